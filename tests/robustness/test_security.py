"""Analysing a hostile file runs nothing of it: no import, process, connection, or write outside the result cache."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import nasty
import pytest

WATCHER = """
import json, os, sys

cache, report, *arguments = sys.argv[1:]
seen = []
own = os.path.dirname(os.path.abspath(sys.argv[0]))
KEEP = ("exec", "compile", "import", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "open", "pty.", "urllib.",
        "marshal.", "pickle.", "code.", "ftplib.", "http.", "tempfile.", "webbrowser.", "winreg.", "signal.")

def hook(event, args):
    if watching and event.startswith(KEEP):
        seen.append((event, [repr(a)[:300] if not isinstance(a, (str, int, type(None))) else a for a in args]))

watching = False
sys.addaudithook(hook)
import ane_lsp.cli.main
watching = True
code = ane_lsp.cli.main.main(arguments)
watching = False
with open(report, "w") as out:
    json.dump({"code": code, "seen": seen, "modules": sorted(sys.modules)}, out)
"""

HOSTILE = """
import os, sys, subprocess, socket, ctypes, pickle, importlib, shutil, tempfile, urllib.request, marshal, builtins
import payload
from payload import *
importlib.import_module("payload")
__import__("payload")
open("written-by-open", "w").write("x")
os.system("touch written-by-system")
subprocess.run(["touch", "written-by-run"])
subprocess.Popen("touch written-by-popen", shell=True)
socket.create_connection(("127.0.0.1", 9))
urllib.request.urlopen("http://127.0.0.1:9/")
exec("open('written-by-exec', 'w')")
eval("open('written-by-eval', 'w')")
eval("__import__('os').system('touch written-by-eval-2')")
pickle.loads(b"cos\\nsystem\\n(S'touch written-by-pickle'\\ntR.")
ctypes.CDLL(None).system(b"touch written-by-ctypes")
shutil.copy(__file__, "written-by-copy")
tempfile.mkstemp(dir=".")
os.rename(__file__, "renamed")
os.environ["PATH"] = "/nowhere"
sys.path.insert(0, "/nowhere")
sys.exit(7)
os._exit(7)
"{0.__class__.__init__.__globals__}".format(open)
(lambda: 0).__globals__["__builtins__"]["open"]("written-by-globals", "w")
().__class__.__base__.__subclasses__()
getattr(builtins, "ex" + "ec")("open('written-by-getattr', 'w')")
print.__self__.__dict__["open"]("written-by-self", "w")
[].__reduce_ex__(2)
type("T", (), {"__del__": lambda s: open("written-by-del", "w")})()
import re; re.sub("x", lambda m: open("written-by-re", "w"), "x")
sorted([1, 2], key=lambda v: open("written-by-key", "w"))
class M(type):
    def __new__(*a): open("written-by-metaclass", "w")
class A(metaclass=M): pass
# ane: input(1x3x64x64)
"""

ALLOWED_EVENTS = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "compile", "import", "exec",
                  "object.__getattr__", "marshal.loads", "marshal.load", "tempfile.mkstemp", "os.chmod", "os.utime",
                  "os.replace", "os.walk"}  # fmt: skip


def _watch(tmp_path: Path, arguments: list[str]) -> dict[str, object]:
    watcher, report, cache = tmp_path / "tool" / "watch.py", tmp_path / "report.json", tmp_path / "cache"
    watcher.parent.mkdir(exist_ok=True)
    watcher.write_text(WATCHER)
    environment = {**os.environ, "ANE_LSP_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, str(watcher), str(cache), str(report), *arguments],
        cwd=tmp_path / "project", env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert report.exists(), done.stderr[-2000:]
    found: dict[str, object] = json.loads(report.read_text())
    assert "Traceback" not in done.stderr
    return found


def _in_forward(source: str) -> str:
    """The same where an entry is followed into it, each statement whatever the one before raised."""
    body = [s for s in ast.parse(source).body if not (isinstance(s, ast.ImportFrom) and s.names[0].name == "*")]
    tried = "".join(f"try:\n{indent(ast.unparse(s), '    ')}\nexcept BaseException:\n    pass\n" for s in body)
    return f"class Hostile(nn.Module):\n    def forward(self, x):\n{indent(tried, ' ' * 8)}        return x\n"


@pytest.mark.parametrize("where", ["top level", "forward"])
@pytest.mark.parametrize("command", ["check", "trace"])
def test_nothing_of_the_file_is_run(command: str, where: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "payload.py").write_text("open('written-by-import', 'w')\nraise SystemExit(9)\n")
    (project / "conftest.py").write_text("open('written-by-conftest', 'w')\n")
    (project / "sitecustomize.py").write_text("open('written-by-sitecustomize', 'w')\n")
    (project / "hostile.py").write_text(nasty.MODEL + (HOSTILE if where == "top level" else _in_forward(HOSTILE)))
    before = sorted(p.name for p in project.iterdir())
    found = _watch(tmp_path, [command, "hostile.py"])
    assert sorted(p.name for p in project.iterdir()) == before
    assert not {"payload", "conftest", "hostile"} & set(found["modules"])  # type: ignore[call-overload]

    cache = str(tmp_path / "cache")
    wrong = [(event, args) for event, args in found["seen"] if not _harmless(event, args, cache)]  # type: ignore[attr-defined]
    assert not wrong


def _harmless(event: str, args: list[object], cache: str) -> bool:
    """Whether something Python announced is reading, loading of our own modules, or a write to the result cache."""
    if event == "code.__new__":  # a function of ours gets a larger stack, once, when its module is loaded
        return Path(str(args[1])).parts[-3:] == ("ane_lsp", "interp", "run.py") and args[2] == "_with_room"
    if event not in ALLOWED_EVENTS:
        return False
    first = str(args[0]) if args else ""
    if event == "open":
        return isinstance(args[0], int) or first.startswith(cache) or not _writes(args)
    if event in ("os.mkdir", "os.remove", "os.chmod", "os.utime"):
        return first.startswith(cache)
    if event == "os.rename":
        return first.startswith(cache) and str(args[1]).startswith(cache)
    if event == "import":
        return first.partition(".")[0] not in ("payload", "conftest", "torch", "hostile")
    return event != "exec" or _ours(first)


def _writes(args: list[object]) -> bool:
    mode, flags = (args[1] if len(args) > 1 else None), (args[2] if len(args) > 2 else 0)
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(int(str(flags)) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _ours(code: str) -> bool:
    """Code objects that run are module bodies of this package, of the standard library, or of installed tools."""
    import ane_lsp

    homes = [str(Path(ane_lsp.__file__).parent), str(Path(os.__file__).parent), "<frozen", "<string>", "<attrs"]
    return any(home in code for home in homes) or "site-packages" in code


def test_the_folder_it_is_started_in_is_not_imported_from(tmp_path: Path) -> None:
    for name in ("json", "random", "pathlib", "asyncio", "ctypes", "sched", "array", "timeit", "difflib"):
        (tmp_path / f"{name}.py").write_text(f"open('written-by-{name}', 'w')\n")
    (tmp_path / "case.py").write_text(
        "import json, random, ctypes, sched, array, timeit, difflib, asyncio\n"
        "sched.x; array.x; timeit.x; difflib.x; ctypes.x; asyncio.x; random.x\n" + nasty.MODEL
    )
    import ane_lsp

    environment = {**os.environ, "PYTHONPATH": str(Path(ane_lsp.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "ane_lsp", "check", "--no-cache", "--format", "json", "case.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "ANE302" in done.stdout, done.stderr
    assert not list(tmp_path.glob("written-by-*"))


def test_a_hostile_directive_or_setting_is_only_data(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "ane-lsp.toml").write_text(
        'search-paths = ["../../../../../../../etc", "/proc/self", "\\u0000"]\npython = "../../../bin/sh"\n'
        'include = ["../../**/*", "**/**/**/**/**/*.py"]\nexclude = ["[", "(((", "**" ]\n'
        "[[entry]]\ncall = \"__import__('os').system('touch written-by-entry')\"\ninputs = [\"1x3\"]\n"
        "[[entry]]\ncall = \"open('written-by-entry-2', 'w')\"\n"
    )
    (project / "case.py").write_text("# ane: input(__import__('os').system('touch written-by-input'))\n" + nasty.MODEL)
    before = sorted(p.name for p in project.iterdir())
    found = _watch(tmp_path, ["check", "case.py", "--no-cache"])
    assert sorted(p.name for p in project.iterdir()) == before
    assert not [e for e, _ in found["seen"] if e.startswith(("subprocess", "os.system", "os.exec", "os.posix_spawn"))]  # type: ignore[attr-defined]


def test_hovers_hold_no_link_that_comes_from_a_source() -> None:
    from ane_lsp.server.features.hover import code, escape

    evil = "`[x](command:evil) ![y](http://z) <img> ``` \n\n# head"
    for text in (evil, "`", "``", "a`b", "x\ny"):
        span = code(text)
        fence = re.match("`+", span)
        assert fence is not None
        inner = span[len(fence[0]) : -len(fence[0])]
        assert span.endswith(fence[0])
        assert fence[0] not in inner  # nothing inside ends the span
        assert "\n" not in span
    assert not re.search(r"(?<!\\)[\[\]<`]", escape(evil))


def test_patterns_and_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    from ane_lsp.workspace.discover import discover

    (tmp_path / "secret.py").write_text("import torch\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.py").write_text("")
    (inside / "out").symlink_to(tmp_path)
    patterns = ("../*.py", "../**/*.py", "/**/*.py", "**", "*.py", "out/*.py")
    assert list(discover(inside, patterns, (), inside)) == [inside / "a.py"]


@pytest.mark.parametrize("dots", ["..", "....", "........"])
def test_imports_do_not_leave_their_package_upwards(dots: str, tmp_path: Path) -> None:
    from ane_lsp.workspace import Workspace

    (tmp_path / "secret.py").write_text("")
    package = tmp_path / "project" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "m.py").write_text("")
    workspace = Workspace(tmp_path / "project")
    assert workspace.resolve("secret", package / "m.py", level=len(dots)) is None
    for name in ("../secret", "..secret", "a/../../secret", "\0", "/etc/passwd"):
        assert workspace.resolve(name, package / "m.py") is None


def test_an_environment_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ane_lsp.cli.main import main

    (tmp_path / "ane-lsp.toml").write_text('python = "/etc"\n')
    (tmp_path / "m.py").write_text("import torch\n")
    assert main(["check", "--no-cache", str(tmp_path / "m.py")]) == 2
    assert "no site-packages found" in capsys.readouterr().err


def test_names_of_files_steer_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from ane_lsp.cli.main import main

    evil = tmp_path / "\x1b[31mred\x07.py"
    try:
        evil.write_text(nasty.MODEL)
    except OSError:
        pytest.skip("not a name here")
    for arguments in ([str(evil)], [str(evil) + "gone"], [str(evil), "--baseline", str(evil)], [str(evil), "--fix"]):
        for format in ("text", "concise", "github", "junit", "markdown", "html", "sarif"):
            main(["check", "--no-cache", "--format", format, *arguments])
            out, err = capsys.readouterr()
            assert "\x1b" not in out + err, (format, arguments)
            assert "\x07" not in out + err, (format, arguments)
