"""The documentation site without MkDocs: made pages, links between all pages, figures, navigation, drawings."""

import re
import sys
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

from generator import device_pages, facts, numbers, pages, repo_pages, rule_pages  # noqa: E402
from generator.text import plain, source  # noqa: E402

from ane_lsp.knowledge import rules, targets  # noqa: E402


@cache
def site() -> dict[str, str]:
    """Every page of the site by its address."""
    made = dict(pages.pages())
    for path in DOCS.rglob("*.md"):
        address = path.relative_to(DOCS).as_posix()
        assert address not in made, f"docs/{address} is a made page as well"
        made[address] = repo_pages.relink(path.read_text(encoding="utf-8"), f"docs/{address}", address)
    return made


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", re.sub(r"`", "", h).lower()).strip().replace(" ", "-") for h in headings}


def test_every_rule_chip_and_device_has_a_page() -> None:
    made = pages.pages()
    assert {f"rules/{code}.md" for code in rules.codes()} <= made.keys()
    for chip in targets.chips():
        text = made[f"devices/{device_pages.slug(chip.chip)}.md"]
        assert text.startswith(f"# {chip.chip}\n")
        for device in chip.devices:
            assert chip.chip in made[f"devices/{device_pages.slug(device)}.md"]
    assert {"ops.md", "conversion.md", "devices/generations.md", "editors/vscode.md", "contributing.md"} <= made.keys()


def test_links_between_all_pages_lead_somewhere() -> None:
    wrong = []
    files = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*") if path.is_file()}
    files |= set(repo_pages.IMAGES.values())
    for address, text in site().items():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            name = name.partition("?")[0]
            target = str(PurePosixPath(address).parent / name) if name else address
            parts: list[str] = []
            for part in target.split("/"):
                if part == "..":
                    if not parts:
                        parts = ["outside"]
                        break
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            target = "/".join(parts)
            if target not in site() and target not in files:
                wrong.append(f"{address}: {link}")
            elif anchor and target in site() and anchor not in anchors(site()[target]):
                wrong.append(f"{address}: {link} (no such heading)")
    assert not wrong, "\n".join(wrong)


def test_links_to_other_hosts_are_well_formed() -> None:
    """There may be no network where tests run, so only their form is looked at."""
    found = 0
    for address, text in site().items():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        assert "http://" not in text, address
        for link in re.findall(r"\]\((https:[^)\s]*)\)|<(https:[^>\s]*)>", text):
            parts = urlsplit(next(filter(None, link)))
            found += 1
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), f"{address}: {parts.geturl()}"
            assert not re.search(r"[.,;:]$|//|\.\.", parts.path), f"{address}: {parts.geturl()}"
            if parts.netloc == "github.com":
                assert re.match(r"/[\w-]+/[\w.-]+(/(tree|blob|issues|pull|releases|wiki)/[\w./-]+)?$", parts.path), (
                    parts.geturl()
                )
    assert found > 100


def test_the_navigation_names_pages_that_exist() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[1]
    named = re.findall(r"([\w./-]+\.md)\s*$", text, flags=re.MULTILINE)
    assert len(named) > 25
    assert not set(named) - site().keys()
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("*.md")}
    assert sorted(written - set(named)) == [], "pages that mkdocs.yml does not list"


def test_differences_between_generations_are_those_of_the_table() -> None:
    extent = next(line for line in facts.lines() if (line.op, line.when) == ("*", "extent > 16384"))
    assert [extent.answer(g) for g in (13, 16)] == ["no", "yes"]
    topk = next(line for line in facts.lines() if (line.op, line.when) == ("topk", ""))
    assert [topk.answer(g) for g in (13, 15, 16)] == ["no", "depends", "yes"]
    text = pages.pages()["devices/m1.md"].split("## What differs from M4")[1].split("\n## ")[0]
    assert "topk" in text
    assert "relu" not in text
    assert "| matmul inner | 16384 | 32768 |" in text
    assert "What differs from M4" not in pages.pages()["devices/m4.md"]


def test_every_family_has_a_title() -> None:
    assert set(rule_pages.FAMILIES) == set(rules.CATEGORIES.values())


def test_a_rule_page_marks_the_reported_lines() -> None:
    text = pages.pages()["rules/ANE302.md"]
    block = re.search(r'```python hl_lines="([\d ]+)"\n(.*?)```', text, flags=re.DOTALL)
    assert block is not None
    lines = block[2].splitlines()
    assert all("# expect: ANE302" in lines[int(number) - 1] for number in block[1].split())
    for heading in rules.HEADINGS:
        assert f"## {heading}\n" in text


def test_figures_are_filled_and_unknown_ones_refused() -> None:
    for address, text in site().items():
        assert "<!-- figure:" not in numbers.fill(text), address
    assert numbers.fill("<!-- figure: rules --> rules") == f"{len(rules.codes())} rules"
    with pytest.raises(KeyError):
        numbers.fill("<!-- figure: moon -->")


def test_text_of_tables_is_no_markup() -> None:
    assert plain("a|b_c <d> `e`\n#") == "a&#124;b&#95;c &#60;d&#62; &#96;e&#96; &#35;"
    told = source("someone/repo@1234abc ch.1; other/thing#12; plain text")
    assert "(https://github.com/someone/repo/tree/1234abc)" in told
    assert "(https://github.com/other/thing/issues/12)" in told


def test_drawings_are_well_formed_and_described() -> None:
    drawings = sorted((DOCS / "assets").glob("*.svg"))
    assert drawings
    for path in drawings:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert {child.tag.rpartition("}")[2] for child in root} >= {"title", "desc"}


def test_nothing_is_loaded_from_other_hosts() -> None:
    for path in (*DOCS.glob("assets/*.css"), *DOCS.glob("assets/*.js"), *DOCS.glob("assets/*.svg")):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text, path.name
    assert "font: false" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
