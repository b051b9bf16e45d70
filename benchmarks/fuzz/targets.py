"""What is fuzzed: each target turns bytes into an input, hands it to our code and checks what may be asked of any answer.

A target's `run` returns where all is well and raises where not; the tests run the same functions over recorded inputs.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ane_lsp.analysis import FileAnalysis, analyze
from ane_lsp.syntax.notebook import cell_of
from ane_lsp.syntax.source import decode_source
from ane_lsp.workspace import Dependencies, Settings, Workspace
from benchmarks.fuzz import mutators, oracles
from benchmarks.fuzz.mutators import Mutator
from benchmarks.fuzz.programs import program
from benchmarks.fuzz.reader import Reader

ROOT = Path(__file__).resolve().parents[2]
PATH = Path(ROOT.anchor) / "nowhere" / "model.py"
STEPS = 20_000
"""Interpreter steps of an analysis: enough for every seed, few enough that an endless program costs little."""
POOL = "import torch\nfrom torch import nn\nnn.MaxPool2d(9)(torch.zeros(1, 3, 32, 32))\n"


@dataclass(frozen=True)
class Target:
    """run: one input. seeds: inputs to start from. mutate: None for bytes only. raw: how often bytes are mutated blindly.

    seconds: processor time after which an input counts as a hang. length: of an input, in bytes.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    mutate: Mutator | None = None
    raw: float = 0.2
    seconds: float = 5.0
    length: int = 20_000


def text_of(data: bytes) -> str:
    """Any bytes as text an editor could send: lone surrogates stay."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def checked(text: str, settings: Settings = Settings(budget=10)) -> FileAnalysis:
    """``check`` of a text that is on no disk, in a run of few steps."""
    from functools import partial

    from ane_lsp.interp import run as runs

    whole = runs.Limits
    runs.Limits = partial(whole, steps=STEPS)  # type: ignore[misc, assignment]
    try:
        return analyze(PATH, Workspace(PATH.parent, overlays={PATH: text}), settings)
    finally:
        runs.Limits = whole  # type: ignore[misc]


# -- sources ---------------------------------------------------------------------------------------------------------


@cache
def model_texts() -> list[str]:
    """Examples, nasty programs and the grammar, as the tests have them."""
    import sys

    sys.path.insert(0, str(ROOT / "tests" / "robustness"))
    try:
        import grammar
        import nasty
    finally:
        sys.path.pop(0)
    texts = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "examples").rglob("*.py"))]
    nasties = [text for text in (*nasty.SURVIVED.values(), *nasty.ENDLESS.values()) if len(text) < 2500]
    return [*texts, *nasties, *grammar.SYNTAX.values()]


def model_seeds() -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in model_texts() if len(text) < 20_000]


def sources(data: bytes) -> None:
    """A damaged model: the analysis fails nowhere, its findings lie in the text, every format prints them."""
    text = text_of(data)
    found = checked(text)
    oracles.sound(found, PATH, text)
    oracles.printable(found, PATH, text)


def fixes(data: bytes) -> None:
    """A damaged model: what its fixes and comments write still parses."""
    from ane_lsp.cli.fixing import silenced
    from ane_lsp.fixes import fix_text
    from ane_lsp.syntax.source import source_from_text

    source = source_from_text(PATH, text_of(data))
    if source.tree is None:
        return
    found = checked(source.text)
    fixed = fix_text(source, checked, unsafe=True)
    for text in (fixed.text, silenced(source, found.findings)):
        assert source_from_text(PATH, text).tree is not None, "a fix broke the file"


def calls(data: bytes) -> None:
    """A program of random torch calls on odd arguments: refused, computed or unknown, but never a fault of ours."""
    text = program(Reader(data))
    oracles.sound(checked(text), PATH, text)


def call_seeds() -> list[bytes]:
    return [bytes((i * k + 11 * i) % 256 for i in range(160)) for k in (1, 7, 31, 77, 129, 201)]


# -- texts -----------------------------------------------------------------------------------------------------------


def edits(data: bytes) -> None:
    """Incremental edits in each encoding: the text equals a naive client's, spans move with what they cover."""
    oracles.edited(Reader(data))


def edit_seeds() -> list[bytes]:
    return [bytes([k, *((i * 37 + k * 91) % 256 for i in range(120))]) for k in range(12)]


def notebooks(data: bytes) -> None:
    """Cells joined into a module: lines and columns stay, every place leads back to its cell."""
    oracles.joined(text_of(data).split("\x1e"))


def notebook_seeds() -> list[bytes]:
    cells = [
        "%%time\nx = 1\n",
        "!ls\nx?\n%matplotlib inline\nif x:\n    %pip\n",
        POOL,
        "%%bash\nls é\r\n",
        "x = (\n% 3)\n",
        "",
        "??x",
    ]
    return ["\x1e".join(cells[at:]).encode() for at in range(len(cells))]


def notebook_files(data: bytes) -> None:
    """A notebook's file: a module whose lines of code are each in a cell, or no notebook."""
    source = decode_source(PATH.with_suffix(".ipynb"), data)
    source.parse()
    lines = source.lines
    for number in range(1, len(lines) + 1):
        assert not lines.line(number).strip() or cell_of(lines, number) is not None, number


def notebook_file_seeds() -> list[bytes]:
    cells = [
        {"cell_type": "code", "source": ["%%time\n", "x = 1\n"], "outputs": [{"text": ["x\n"]}]},
        {"cell_type": "markdown", "source": "# \u00e9"},
        {"cell_type": "code", "source": "!ls\nx = (\n  % 3)"},
        {"cell_type": "code", "source": POOL.splitlines(keepends=True)},
    ]
    return [
        json.dumps({"cells": cells[at:], "nbformat": 4}, indent=indent).encode()
        for at in range(3)
        for indent in (1, None)
    ]


def directives(data: bytes) -> None:
    """``# ane:`` comments of any kind: read, malformed or ignored."""
    oracles.directed(PATH, text_of(data))


def directive_seeds() -> list[bytes]:
    lines = [
        "# ane: ignore", "# ane: ignore[ANE302, ANE4]", "# ane: ignore-file[ANE3]", "# ane: input(1x3x8x8)", "# noqa: ANE302,ANE101",
        "# ane: input(x=1x16:i64, mask=(1, B, ?):b8)", "# ane: input([1,2]:f16, scalar)", "# ane: inptu(1)", "# ane:",
    ]  # fmt: skip
    bodies = [
        "x = 1  {}\n",
        "{}\nclass A:\n    def f(self): {}\n        pass\n",
        "x = '''\n{}\n''' {}\n",
        "f(\n  a, {}\n) {}\n",
    ]
    return [body.replace("{}", line).encode() for body in bodies for line in lines]


# -- files somebody else wrote ---------------------------------------------------------------------------------------


def settings(data: bytes) -> None:
    """A settings file: read or refused with a place, and a check under what it says goes through."""
    oracles.configured(PATH, data, POOL, checked)


def setting_seeds() -> list[bytes]:
    texts = [(ROOT / "pyproject.toml").read_text(encoding="utf-8")[:2000]]
    texts += [
        'targets = ["M4", "iPhone 15 Pro"]\nselect = ["ANE"]\nignore = ["ANE302", "ANE4"]\nmin-confidence = "measured"\nbudget = 3.5\n'
        '[per-file-ignores]\n"tests/**" = ["ANE3"]\n"*.py" = ["ANE1"]\n',
        'include = ["*.py", "**/m[a-z]*.py"]\nexclude = ["build/**/x?", "[!a]*"]\nsearch-paths = ["~", "../lib"]\npython = "/usr"\n',
        '[[entry]]\ncall = "Net(3)"\ninputs = ["1x3x224x224", "mask=1x16:b8"]\nfile = "model.py"\n[[entry]]\ncall = "f"\n',
        'minimum-deployment-target = "iOS17"\nexport-path = "export"\ncoremltools = "main"\ninlay-hints = "all"\nextend-select = ["all"]\n',
        '[tool.ane-lsp]\ntargets = ["A17 Pro"]\n[tool.ane-lsp.per-file-ignores]\n"é.py" = []\n',
    ]  # fmt: skip
    return [bytes([at % 2]) + text.encode() for text in texts for at in range(2)]


def environments(data: bytes) -> None:
    """``pyvenv.cfg``, ``.pth`` files, editable finders and ``.gitignore``: found or not, never raised about."""
    from ane_lsp.workspace.discover import discover
    from ane_lsp.workspace.environment import find_environment

    parts = (data.split(b"\x1e") + [b""] * 4)[:4]
    with tempfile.TemporaryDirectory(prefix="ane-fuzz-", dir=oracles.memory_folder()) as name:
        root = Path(name)
        sites = root / ".venv" / "lib" / "python3.11" / "site-packages"
        sites.mkdir(parents=True)
        (root / ".git").mkdir()
        for path, part in zip(
            (root / ".venv" / "pyvenv.cfg", sites / "a.pth", sites / "__editable__x_finder.py", root / ".gitignore"),
            parts,
        ):
            path.write_bytes(part)
        for file in ("a.py", "b/c.py", "b/d/e f.py", "é.py"):
            (root / file).parent.mkdir(exist_ok=True, parents=True)
            (root / file).write_text("import torch\n")
        find_environment(root, environ={})
        list(discover(root))


def environment_seeds() -> list[bytes]:
    config = b"home = /usr/bin\ninclude-system-site-packages = true\nversion = 3.11.2\n"
    pth = b"../../src\n# x\nimport os\n/usr/lib\n./a\n"
    finder = b"MAPPING: dict[str, str] = {'a': '/tmp/a', 'b': '/x'}\nNAMESPACES = {}\n"
    ignore = b"*.pyc\n!a.py\nb/**/e*\n/b/\n[a-c]?*\n\\#x\n**/d\n"
    return [
        b"\x1e".join(parts)
        for parts in ((config, pth, finder, ignore), (b"", pth, b"", b""), (b"", b"", finder, ignore))
    ]


def rules(data: bytes) -> None:
    """A rule page: read, or refused with its place."""
    from ane_lsp.knowledge import rules as pages
    from ane_lsp.knowledge.files import KnowledgeError

    refused: KnowledgeError | None = None
    try:
        pages.parse_page("ANE302-max-pool-window.md", text_of(data))
    except KnowledgeError as error:
        refused = error
    assert refused is None or (refused.line >= 1 and refused.message), "refused without a place"


def rule_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "rules").glob("ANE*.md"))[::12]]


def baselines(data: bytes) -> None:
    """A baseline file: read, or refused in words."""
    oracles.compared_with_baseline(PATH, data, baseline_result(), POOL)


@cache
def baseline_result() -> FileAnalysis:
    found = checked(POOL)
    assert found.findings
    return found


def baseline_seeds() -> list[bytes]:
    one = {"fingerprint": "0" * 32, "file": "model.py", "code": "ANE302", "count": 1}
    return [json.dumps({"version": v, "findings": [one] * n}).encode() for v, n in ((1, 1), (1, 3), (2, 0))]


def caches(data: bytes) -> None:
    """A stored result, damaged: it is none."""
    oracles.cached(data, PATH)


def cache_seeds() -> list[bytes]:
    from ane_lsp.stored import ResultCache

    with tempfile.TemporaryDirectory() as name:
        store = ResultCache(Path(name), "build")
        store.save("ab" * 32, FileAnalysis(str(PATH)), Dependencies())
        return [path.read_bytes() for path in store.entries()]


def jsonrpc(data: bytes) -> None:
    """Bytes a client sends: the server ends, answers each request once, and writes nothing but messages."""
    from benchmarks.fuzz.clients import served

    served(data)


def jsonrpc_seeds() -> list[bytes]:
    from benchmarks.fuzz.clients import sessions

    return sessions()


def jsonrpc_mutate(data: bytes, chance: object) -> bytes:
    from benchmarks.fuzz.clients import mutate

    return mutate(data, chance)  # type: ignore[arg-type]


def reports(data: bytes) -> None:
    """Findings with any text and any file name: every format stays well-formed, no control character gets out raw."""
    oracles.reported(Reader(data))


def report_seeds() -> list[bytes]:
    texts = [
        "::error file=a::x%0A",
        "</script><img onerror=x>",
        "]]>&amp;",
        "[x](command:y) `|` \x1b[31m",
        "a\r\nb\u202e",
        "'\"<>\0",
    ]
    return [bytes([at]) + text.encode() * 3 for at, text in enumerate(texts)]


_texts = mutators.tokens(mutators.pieces_of(model_texts()))
TARGETS = {
    target.name: target
    for target in (
        Target("sources", sources, model_seeds, _texts, raw=0.05, seconds=25),
        Target("calls", calls, call_seeds, seconds=25, length=400),
        Target("fixes", fixes, model_seeds, _texts, raw=0.05, seconds=60),
        Target("edits", edits, edit_seeds, length=600),
        Target("notebooks", notebooks, notebook_seeds, mutators.tokens(), length=2000),
        Target("notebook_files", notebook_files, notebook_file_seeds, mutators.json_values(), length=3000),
        Target("directives", directives, directive_seeds, mutators.tokens(), length=2000),
        Target("settings", settings, setting_seeds, mutators.tokens(), length=3000, seconds=25),
        Target("environments", environments, environment_seeds, mutators.tokens(), length=2000),
        Target("rules", rules, rule_seeds, mutators.tokens()),
        Target("baselines", baselines, baseline_seeds, mutators.json_values(), length=3000),
        Target("caches", caches, cache_seeds, mutators.tokens(), raw=0.8, length=2000),
        Target("jsonrpc", jsonrpc, jsonrpc_seeds, jsonrpc_mutate, raw=0.05, seconds=15),
        Target("reports", reports, report_seeds, mutators.tokens(), length=2000),
    )
}
