"""Looks and the one small script of the HTML report: light and dark by the reader's preference, narrow screens, printing."""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#f3f5f7;--line:#d5dae0;--dim:#57606a;--ane:#0b6bcb;--cpu:#b45309;
--unknown:#6b7280;--error:#b42318;--warning:#9a6700;--information:#0969da;--hint:#4d7c0f}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--soft:#1e2328;--line:#353c44;--dim:#9aa4af;--ane:#4aa3ff;
--cpu:#f0a04b;--unknown:#9aa4af;--error:#ff7b72;--warning:#e3b341;--information:#6cb6ff;--hint:#a3d65c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2;overflow-wrap:anywhere}h2{font-size:1.25rem;margin:1.6rem 0 .4rem}h3{font-size:1rem;margin:.2rem 0}
nav{position:sticky;top:0;z-index:1;display:flex;gap:.2rem;overflow-x:auto;background:var(--bg);border-bottom:1px solid var(--line);
padding:.4rem 0;margin:.6rem 0}nav a{color:var(--fg);text-decoration:none;white-space:nowrap;padding:.25rem .7rem;border-radius:1rem}
nav a:hover,nav a:focus-visible{background:var(--soft)}:target{scroll-margin-top:4rem}[id]{scroll-margin-top:4rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:.8rem;margin:.8rem 0}
.card{background:var(--soft);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem}.card h2{margin:0;font-size:1.1rem}
.card p{margin:.3rem 0}.big b{font-size:1.9rem;color:var(--ane);margin-right:.1em}
.meter{height:.6rem;border-radius:.3rem;overflow:hidden;background:#a34a06}.meter i{display:block;height:100%;background:#0b6bcb}
.legend{display:flex;gap:1rem;list-style:none;padding:0;margin:.4rem 0;font-size:.85rem}
.legend li::before{content:"";display:inline-block;width:.8em;height:.8em;border-radius:.2em;margin-right:.4em;background:currentColor}
.legend .u-ane{color:var(--ane)}.legend .u-cpu{color:var(--cpu)}.legend .u-unknown{color:var(--unknown)}
.label{margin:.5rem 0 .1rem;color:var(--dim);font-size:.85rem}.mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.82rem}
.fix{margin:.3rem 0}.fix b{font-size:.8rem;border-radius:1rem;padding:.1rem .6rem;margin-right:.3rem;border:1px solid currentColor}
.fix .safe{color:var(--hint)}.fix .unsafe{color:var(--warning)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--bg);padding:.5rem}
:focus-visible{outline:3px solid var(--ane);outline-offset:2px}
.tiles{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0}
.tiles li{background:var(--soft);border:1px solid var(--line);border-radius:.4rem;padding:.3rem .8rem}
.finding{border:1px solid var(--line);border-left:.35rem solid var(--dim);border-radius:.4rem;padding:.5rem .8rem;margin:.8rem 0}
.finding.error{border-left-color:var(--error)}.finding.warning{border-left-color:var(--warning)}
.finding.information{border-left-color:var(--information)}.finding.hint{border-left-color:var(--hint)}
.severity{color:var(--dim);font-weight:normal}.where{color:var(--dim);font-weight:normal;overflow-wrap:anywhere}
pre{background:var(--soft);border-radius:.3rem;padding:.4rem;overflow-x:auto;font:13px/1.45 ui-monospace,Menlo,Consolas,monospace}
.line{display:block;min-width:max-content}.line i{display:inline-block;width:3.2em;color:var(--dim);font-style:normal;user-select:none}
.here{background:color-mix(in srgb,var(--warning) 16%,transparent)}mark{background:none;color:inherit;border-bottom:2px solid var(--error)}
.timeline{display:flex;list-style:none;padding:0;margin:0 0 .5rem;min-height:2.2rem;border-radius:.4rem;overflow:hidden;gap:1px}
.timeline li{flex:1 1 3px;min-width:3px;color:#fff;font-size:.8rem;overflow:hidden;white-space:nowrap;display:flex;align-items:center}
.timeline span{padding:0 .4rem}
.timeline .u-ane{background:#0b6bcb}.timeline .u-cpu{background:#a34a06}.timeline .u-unknown{background:#5b6270}
td.u-ane{color:var(--ane)}td.u-cpu{color:var(--cpu)}td.u-unknown{color:var(--unknown)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem}caption{text-align:left;color:var(--dim)}
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid var(--line)}
tbody tr:hover{background:var(--soft)}summary{cursor:pointer}summary h3{display:inline-block;margin:.4rem 0}
input{font:inherit;padding:.3rem .5rem;max-width:100%;background:var(--bg);color:var(--fg);border:1px solid var(--line);border-radius:.3rem}
.error>b,.bad{color:var(--error)}.good{color:var(--hint)}small{color:var(--dim)}
@media(max-width:40rem){body{font-size:15px}main{padding:.6rem}th,td{padding:.2rem .3rem}}
@media print{.filter,.skip,nav{display:none}details>*{display:block}}
"""

SCRIPT = """
(()=>{const box=document.getElementById('filter'),status=document.getElementById('shown');if(!box)return;
const all=[...document.querySelectorAll('.finding')];
box.addEventListener('input',()=>{const words=box.value.toLowerCase().split(/\\s+/).filter(Boolean);let n=0;
for(const a of all){const t=a.textContent.toLowerCase(),s=words.every(w=>t.includes(w));a.hidden=!s;n+=s}
status.textContent=words.length?n+' of '+all.length+' shown':''})})();
"""
