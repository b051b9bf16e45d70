"""Data files that constructors read: parsed as the program would, and none outside the project and its packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.graph import Unknown
from ane_lsp.interp.run import guarded, load_file, start
from ane_lsp.workspace import Workspace

IMPORTS = "import glob, io, json, os, tomllib, yaml\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"


def evaluate(root: Path, program: str, folder: str = "") -> Any:
    """What the program in a file of the project binds to `out`."""
    path = root / folder / "net.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(IMPORTS + program, encoding="utf-8")
    interp = start(Workspace(root))

    def work() -> Any:
        module = load_file(interp, path, as_main=True)
        assert module is not None
        return interp.module_attribute(module, "out")

    done = guarded(interp, work)
    assert not done.errors
    assert not done.internal
    return done.result


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "net.json").write_text(json.dumps({"width": 7, "deep": [{"a": None}]}))
    (root / "models" / "net.yaml").write_text("width: 8\nlayers: &l\n  - [3, 16]\nagain: *l\nwhen: 2020-01-01\n")
    (root / "net.toml").write_text("[model]\nwidth = 9\n")
    (root / "names.txt").write_text("one\ntwo\n\nthree")
    (root / "weights.bin").write_bytes(b"1")
    (tmp_path / "outside.json").write_text('{"width": 1}')
    (root / "link.json").symlink_to(tmp_path / "outside.json")
    return root


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("with open('net.json') as f:\n    out = json.load(f)", {"width": 7, "deep": [{"a": None}]}),
        ("out = json.loads(open(HERE / 'net.json', 'r', encoding='utf-8').read())['width']", 7),
        ("out = json.loads((HERE / 'net.json').read_text())['width']", 7),
        ("out = json.load(io.open(os.path.join(os.path.dirname(__file__), 'net.json')))['width']", 7),
        ("with (HERE / 'models' / 'net.yaml').open() as f:\n    out = yaml.safe_load(f)['again']", [[3, 16]]),
        ("out = yaml.load(open('models/net.yaml'), Loader=yaml.SafeLoader)['width']", 8),
        ("out = tomllib.load(open('net.toml'))['model']['width']", 9),
        ("out = [line.strip() for line in open('names.txt')]", ["one", "two", "", "three"]),
        ("f = open('names.txt')\nout = [f.readline(), f.read(2), f.readlines(), f.read()]", ["one\n", "tw", ["o\n", "\n", "three"], ""]),
        ("out = [os.path.exists('net.json'), os.path.isfile('no.json'), (HERE / 'net.toml').exists()]", [True, False, True]),
        ("out = [Path(p).name for p in glob.glob(str(HERE / '**' / '*.yaml'), recursive=True)]", ["net.yaml"]),
        ("out = [p.stem for p in HERE.rglob('*.json')]", ["net"]),
    ],
)  # fmt: skip
def test_a_data_file_is_read(project: Path, program: str, expected: Any) -> None:
    assert evaluate(project, program) == expected


@pytest.mark.parametrize(
    "program",
    [
        "out = open('../outside.json').read()",
        "out = open('link.json').read()",
        "out = open('/etc/passwd').read()",
        "out = open('/etc/passwd.txt').read()",
        "out = open('weights.bin').read()",
        "out = open('no.json').read()",
        "out = open('net.json', 'rb').read()",
        "out = open('net.json', 'w')",
        "out = open('a\\0b.json').read()",
        "out = os.path.exists('weights.bin')",
        "out = os.path.exists('/etc/passwd')",
        "out = glob.glob('/etc/*.json')",
        "out = glob.glob(str(HERE / '*'))",
        "out = yaml.safe_load(open('models/net.yaml'))['when']",
        "out = yaml.safe_load('a: [')",
        "out = yaml.safe_load('&a [*a]')",
        "out = yaml.safe_load('!!python/object/apply:os.system [\"true\"]')",
        "out = yaml.safe_load('[' * 5000)",
        "out = yaml.safe_load('{a: ' * 5000)",
        "out = yaml.safe_load('- ' * 5000 + 'a')",
        "out = yaml.safe_load('\\n'.join(' ' * i + 'a:' for i in range(600)))",
    ],
)
def test_what_is_not_read_is_unknown(project: Path, program: str) -> None:
    assert isinstance(evaluate(project, program), Unknown)


def test_aliases_that_multiply_are_not_followed(project: Path) -> None:
    lines = ["a0: &a0 [1, 1]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9))]
    (project / "bomb.yaml").write_text("\n".join(lines))
    assert isinstance(evaluate(project, "out = yaml.safe_load(open('bomb.yaml'))"), Unknown)


def test_a_name_that_fits_two_files_is_neither(project: Path) -> None:
    (project / "models" / "net.json").write_text('{"width": 70}')
    found = evaluate(project, "out = open('net.json')", "models")
    assert isinstance(found, Unknown)
    assert "two files" in found.reason


def test_a_result_depends_on_the_files_that_were_read(project: Path) -> None:
    workspace = Workspace(project)
    with workspace.track() as used:
        assert workspace.find_data("net.json") == [project / "net.json"]
        assert workspace.data_text(project / "net.json")
    assert used.unchanged({})
    (project / "net.json").write_text('{"width": 700, "more": 1}')
    assert not used.unchanged({})


def test_an_open_document_counts_instead_of_the_file(project: Path) -> None:
    workspace = Workspace(project, overlays={project / "net.json": '{"width": 11}'})
    assert workspace.data_text(project / "net.json") == '{"width": 11}'


LOADED = """
import importlib.util
def load(path):
    spec = importlib.util.spec_from_file_location("settings", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.width
"""


@pytest.mark.parametrize(
    "path", ["'models/wide.py'", "HERE / 'models' / 'wide.py'", "str(HERE / 'models/../models/wide.py')"]
)
def test_a_module_is_loaded_from_a_file_of_the_project(project: Path, path: str) -> None:
    (project / "models" / "wide.py").write_text("from models.more import width\nwidth = width * 2\n")
    (project / "models" / "more.py").write_text("width = 21\n")
    assert evaluate(project, f"{LOADED}out = load({path})") == 42


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("'models/none.py'", "'models/none.py' is no Python file of the project"),
        ("'../outside.py'", "'../outside.py' is no Python file of the project"),
        ("'models/net.yaml'", "'models/net.yaml' is no Python file of the project"),
        ("input()", "what a user types is not known"),
    ],
)
def test_a_module_from_another_file_is_unknown(project: Path, path: str, reason: str) -> None:
    (project.parent / "outside.py").write_text("width = 21\n")
    found = evaluate(project, f"{LOADED}out = load({path})")
    assert isinstance(found, Unknown)
    assert found.first.reason == reason


def test_a_folder_of_the_project_that_is_named_like_a_package_is_read(project: Path) -> None:
    (project / "datasets").mkdir()
    (project / "datasets" / "__init__.py").write_text("from datasets.sizes import width\n")
    (project / "datasets" / "sizes.py").write_text("width = 5\n")
    assert evaluate(project, "import datasets\nout = datasets.width") == 5


def test_loaders_that_a_program_teaches(project: Path) -> None:
    """Constructors of its own tags come to nothing; its resolvers say what a text is that may be a number."""
    (project / "taught.yaml").write_text("width: 8\nrate: 1e-4\nname: e4\n")
    program = """
class Loader(yaml.SafeLoader):
    def pair(self, node):
        return tuple(self.construct_sequence(node))

Loader.add_constructor("tag:yaml.org,2002:python/tuple", Loader.pair)
yaml.add_representer(tuple, lambda dumper, value: dumper.represent_sequence("t", value))
{taught}
found = yaml.load(open(HERE / "taught.yaml"), Loader=Loader)
out = found["width"], found["rate"], found["name"]
"""
    assert evaluate(project, program.format(taught="")) == (8, "1e-4", "e4")
    taught = "yaml.SafeLoader.add_implicit_resolver('tag:yaml.org,2002:float', None, list('-+0123456789.'))"
    width, rate, name = evaluate(project, program.format(taught=taught))
    assert (width, name) == (8, "e4")
    assert isinstance(rate, Unknown)
