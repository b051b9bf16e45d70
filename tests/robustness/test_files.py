"""What can be wrong with files, folders and encodings, and every statement of the grammar."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable
from pathlib import Path

import grammar
import harness
import nasty
import pytest

FILES: dict[str, tuple[bytes, str | None]] = {
    "empty": (b"", None),
    "only a BOM": (b"\xef\xbb\xbf", None),
    "BOM": (b"\xef\xbb\xbf" + nasty.MODEL.encode(), None),
    "null byte": (b"import torch\nx = 1\0\n", "syntax"),
    "nothing but null bytes": (b"\0" * 100_000, "syntax"),
    "not UTF-8": (b"import torch\nx = '\xff\xfe'\n", "encoding"),
    "Latin-1 by its cookie": (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n" + nasty.MODEL.encode(), None),
    "unknown cookie": (b"# -*- coding: klingon -*-\nimport torch\n", "encoding"),
    "cookie against BOM": (b"\xef\xbb\xbf# -*- coding: latin-1 -*-\nimport torch\n", "encoding"),
    "cookie that is no text encoding": (b"# coding: hex\nimport torch\n", "encoding"),
    "cookie rot13": (b"# coding: rot13\nimport torch\n", "encoding"),
    "UTF-16": ("import torch\n".encode("utf-16"), None),
    "UTF-7": (b"# coding: utf-7\nimport torch\nx = '+AGE-'\n", None),
    "old Mac line ends": (nasty.MODEL.replace("\n", "\r").encode(), None),
    "mixed line ends": (nasty.MODEL.replace("\n", "\r\n", 5).encode(), None),
    "form feeds": (nasty.MODEL.replace("\n\n", "\n\f\n").encode(), None),
    "no final newline": (nasty.MODEL.rstrip().encode(), None),
    "escape at the end": (b"import torch\nx = 1 \\", "syntax"),
    "open string": (b"import torch\nx = '''", "syntax"),
    "open bracket": (b"import torch\nx = (" + b"[" * 150, "syntax"),
    "too many brackets": (b"import torch\nx = " + b"(" * 100_000 + b")" * 100_000, "syntax"),
    "too many indents": (b"import torch\n" + b"".join(b" " * i + b"if 1:\n" for i in range(500)), "syntax"),
    "one long line": (b"import torch\nx = [" + b"1, " * 1_000_000 + b"]\n", None),
    "long sum": (b"import torch\nx = " + b"1 + " * 100_000 + b"1\n", "syntax"),
    "100,000 lines": (b"import torch\n" + b"x = 1\n" * 100_000, None),
    "100,000 comments": (b"import torch\n" + b"# ane: ignore\n" * 100_000 + nasty.MODEL.encode(), None),
    "100,000 wrong directives": (b"import torch\n" + b"# ane: input(1x-3x?)\n" * 100_000, None),
    "20,000 functions": (b"import torch\n" + b"".join(b"def f%d(): return %d\n" % (i, i) for i in range(20_000)), None),
    "5,000 modules": (
        b"import torch\nfrom torch import nn\n"
        + b"".join(b"class M%d(nn.Module):\n    def forward(self, x): return x + %d\n" % (i, i) for i in range(5_000)),
        None,
    ),
    "10 MB": (b"import torch\n" + b"x = 'abcdefghijklmnopqrstuvwxyz'\n" * 320_000, "read"),
    "9 MB string": (b"import torch\nx = '" + b"a" * 9_000_000 + b"'\n" + nasty.MODEL.encode(), None),
    "9 MB comment": (b"import torch # " + b"torch " * 1_500_000 + b"\n" + nasty.MODEL.encode(), None),
    "random bytes": (bytes((i * 7919 + i // 255) % 256 for i in range(200_000)), "encoding"),
    "control characters": (b"import torch\nx = '\x01\x02\x7f\x1b[31m'\n" + nasty.MODEL.encode(), None),
    "right-to-left": ("import torch\nx = '\u202e\u2066'  # \u202d\n".encode() + nasty.MODEL.encode(), None),
    "surrogates": (b"import torch\nx = '\xed\xa0\x80'\n", "encoding"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_any_state(name: str, tmp_path: Path) -> None:
    data, expected = FILES[name]
    path = tmp_path / "case.py"
    path.write_bytes(data)
    found = harness.run(lambda: harness.analyse(path, budget=5), megabytes=1500)
    assert not found.crash, found.crash
    assert not found.internal, found.internal
    kinds = {kind for kind, _ in found.errors} - {"budget"}
    if expected is not None:
        # Python versions differ in how deep a nesting they still parse.
        assert kinds == {expected} or (name in ("long sum",) and not kinds)
    elif nasty.MODEL.split()[-1].encode() in data:
        assert "ANE302" in found.codes


@pytest.mark.parametrize("version", grammar.SYNTAX, ids=lambda v: f"{v[0]}.{v[1]}")
def test_every_statement_of_the_grammar(version: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "case.py"
    text = grammar.SYNTAX[version] + nasty.MODEL
    path.write_text(text)
    found = harness.run(lambda: harness.analyse(path))
    assert not found.crash, found.crash
    assert not found.internal, found.internal
    if sys.version_info[:2] >= version:
        ast.parse(text)
        assert not found.errors
        assert "ANE302" in found.codes
    else:
        assert [kind for kind, _ in found.errors] == ["syntax"]


def test_the_examples_cover_the_grammar() -> None:
    """Every node class of this Python's grammar occurs in an example."""
    seen: set[str] = set()
    for version, text in grammar.SYNTAX.items():
        if sys.version_info[:2] >= version:
            seen |= {type(node).__name__ for node in ast.walk(ast.parse(text))}
    every = {
        cls.__name__
        for base in (ast.stmt, ast.expr, ast.pattern, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)
        for cls in base.__subclasses__()
        if cls.__module__ in ("ast", "_ast")
    }
    deprecated = {
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
        "Index",
        "ExtSlice",
        "AugLoad",
        "AugStore",
        "Param",
    }
    assert every - seen - deprecated == set()


def _circle(folder: Path) -> None:
    (folder / "a.py").write_text("from b import g\ndef f(): return g\n")
    (folder / "b.py").write_text("from c import *\nfrom a import f\ndef g(): return f()\n")
    (folder / "c.py").write_text("from a import *\nfrom b import *\nfrom c import *\nimport c\nx = c.x\n")


def _shadow(folder: Path) -> None:
    (folder / "torch.py").write_text("zeros = 3\nraise SystemExit\n")
    (folder / "typing.py").write_text("while True: pass\n")
    (folder / "math.py").write_text("import math\npi = math.pi\n")


def _broken_neighbours(folder: Path) -> None:
    (folder / "a.py").write_text("def f(:\n")
    (folder / "b.py").write_bytes(b"\xff\xfe\0")
    (folder / "c.py").write_text("c = " + "(" * 5000)
    (folder / "d").mkdir()
    (folder / "d" / "__init__.py").mkdir()


def _links(folder: Path) -> None:
    (folder / "a.py").symlink_to("a.py")
    (folder / "b").symlink_to(folder)
    (folder / "c.py").symlink_to("missing.py")
    os.mkfifo(folder / "d.py")


def _package_of_itself(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "__init__.py").write_text(
        "from . import a\nfrom .. import a\nfrom .a import a\nfrom ....... import z\n"
    )
    (folder / "a" / "a.py").write_text("from . import *\nfrom .a import a\n__getattr__ = lambda n: __getattr__(n)\n")
    (folder / "b.py").write_text("def __getattr__(name):\n    import b\n    return getattr(b, name + 'x')\n")
    (folder / "c.py").write_text("import sys\nsys.modules[__name__] = 5\n")


def _long_chain(folder: Path) -> None:
    for i in range(300):
        (folder / f"m{i}.py").write_text(f"from m{i + 1} import f\nimport m{i + 1}\nx = m{i + 1}.x\n")
    (folder / "m300.py").write_text("def f(): return 1\nx = 1\n")
    (folder / "a.py").write_text("from m0 import f, x\n")


NEIGHBOURS: dict[str, tuple[Callable[[Path], None], bool]] = {
    "imports in a circle": (_circle, True),
    "modules that shadow torch and the standard library": (_shadow, True),
    "modules that do not parse": (_broken_neighbours, True),
    "links to themselves, to nothing, a pipe": (_links, True),
    "packages of themselves": (_package_of_itself, True),
    "a long chain": (_long_chain, True),
}


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_modules_beside_the_file(name: str, tmp_path: Path) -> None:
    build, understood = NEIGHBOURS[name]
    if build is _links and not hasattr(os, "mkfifo"):
        pytest.skip("no pipes and links on this system")
    build(tmp_path)
    path = tmp_path / "case.py"
    path.write_text(
        "import math, typing\ntry:\n    import a, b, c, d\n    a.f; b.g; c.x; a.x; b.anything\n    from a import f\n    f()\n"
        "except Exception:\n    pass\n" + nasty.MODEL
    )
    found = harness.run(lambda: harness.analyse(path, budget=10))
    assert not found.crash, found.crash
    assert not found.internal, found.internal
    assert ("ANE302" in found.codes) is understood, (found.codes, found.errors)


def test_unreadable_and_vanishing_files(tmp_path: Path) -> None:
    from ane_lsp.workspace import Workspace

    path = tmp_path / "case.py"
    assert [kind for kind, _ in harness.analyse(path).errors] == ["read"]
    path.mkdir()
    assert [kind for kind, _ in harness.analyse(path).errors] == ["read"]
    path.rmdir()
    path.write_text("import torch\nimport gone\n" + nasty.MODEL)
    (tmp_path / "gone.py").write_text("x = 1\n")

    class Vanishing(Workspace):
        def read(self, path: Path):  # type: ignore[no-untyped-def]
            found = super().read(path)
            (tmp_path / "gone.py").unlink(missing_ok=True)
            return found

    from ane_lsp.analysis import analyze
    from ane_lsp.workspace import Settings

    found = analyze(path, Vanishing(tmp_path), Settings())
    assert "ANE302" in [f.code for f in found.findings]
    assert not found.errors


def test_odd_names(tmp_path: Path) -> None:
    for name in (
        "white space.py",
        "ünïcode.py",
        "a'b\"c.py",
        "-.py",
        "new\nline.py",
        "class.py",
        "torch.py",
        "nn.py",
        "x.y.py",
    ):
        path = tmp_path / name
        try:
            path.write_text(nasty.MODEL)
        except OSError:
            continue  # not a name on this system
        found = harness.analyse(path)
        assert not found.internal
        assert "ANE302" in found.codes or name == "torch.py", name
        path.unlink()
