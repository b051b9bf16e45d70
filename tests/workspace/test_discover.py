import os
import subprocess
from pathlib import Path

import pytest

from ane_lsp.workspace.discover import discover
from ane_lsp.workspace.globs import path_matches


def write(root: Path, *files: str) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def names(root: Path, **given: object) -> list[str]:
    return [path.relative_to(root).as_posix() for path in discover(root, **given)]


def test_order_is_fixed_and_machinery_is_left_out(tmp_path: Path) -> None:
    write(
        tmp_path, "b.py", "a.py", "m/z.py", "m/a/x.py", "notes.txt", ".venv/lib/v.py", "node_modules/n.py", "m/__pycache__/c.py",
        "build/x.py", ".git/hooks/h.py",
    )  # fmt: skip
    assert names(tmp_path) == ["a.py", "b.py", "m/z.py", "m/a/x.py"]


def test_include_and_exclude(tmp_path: Path) -> None:
    write(tmp_path, "models/a.py", "models/b_pb2.py", "third_party/x/y.py", "tests/t.py", "tool.pyw")
    assert names(tmp_path, exclude=["third_party", "*_pb2.py", "tests/**"]) == ["models/a.py"]
    assert names(tmp_path, include=["models/**/*.py"]) == ["models/a.py", "models/b_pb2.py"]
    assert names(tmp_path, include=["*.py", "*.pyw"], exclude=["models", "t*"]) == []


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "a/x.py")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink(tmp_path / "a" / "dead.py", tmp_path / "a" / "dead.py")
    assert names(tmp_path) == ["a/x.py"]


IGNORES = {
    ".gitignore": "# comment\n*.gen.py\n/top.py\nout/\n!keep.gen.py\ndeep/**/tmp.py\nmid/one.py\n\\#odd.py\ntrail.py   \n[ab]x.py\n",
    "sub/.gitignore": "local.py\n!back.gen.py\nnested/*\n!nested/yes.py\n",
}
FILES = [
    "top.py", "sub/top.py", "a.gen.py", "keep.gen.py", "sub/back.gen.py", "sub/local.py", "local.py", "out/x.py", "sub/out/y.py",
    "deep/tmp.py", "deep/a/b/tmp.py", "mid/one.py", "sub/mid/one.py", "#odd.py", "trail.py", "ax.py", "cx.py", "sub/nested/no.py",
    "sub/nested/yes.py", "sub/nested/more/x.py", "plain.py",
]  # fmt: skip


def test_gitignore_means_what_git_means(tmp_path: Path) -> None:
    write(tmp_path, *FILES)
    for name, text in IGNORES.items():
        (tmp_path / name).write_text(text)
    try:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, capture_output=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=tmp_path, check=True, capture_output=True
        ).stdout.decode()
    except FileNotFoundError:
        pytest.skip("git is not installed, nothing to compare with")
    expected = sorted(name for name in listed.split("\0") if name.endswith(".py"))
    assert sorted(names(tmp_path)) == expected
    assert names(tmp_path / "sub") == [n.removeprefix("sub/") for n in names(tmp_path) if n.startswith("sub/")]
    assert len(names(tmp_path, respect_gitignore=False)) == len(FILES) + 0


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a/b.py", True),
        ("a/*.py", "a/b.py", True),
        ("a/*.py", "a/c/b.py", False),
        ("a/**/b.py", "a/b.py", True),
        ("a/**/b.py", "a/x/y/b.py", True),
        ("a/**", "a/x/y", True),
        ("a", "x/a/b.py", True),
        ("./a/", "a/b.py", True),
        ("a?c.py", "abc.py", True),
        ("a?c.py", "a/c.py", False),
        ("[!a]b.py", "cb.py", True),
        ("[!a]b.py", "ab.py", False),
        ("a[", "a[", True),
        ("x/y", "x/y/z.py", True),
    ],
)
def test_globs(pattern: str, path: str, matches: bool) -> None:
    assert path_matches(Path("/r") / path, pattern, Path("/r")) is matches
