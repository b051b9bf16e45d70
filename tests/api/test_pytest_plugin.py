"""`assert_ane_ready`, called as a function, as a fixture, and in a pytest of its own without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from ane_lsp.pytest_plugin import assert_ane_ready

ROOT = Path(__file__).resolve().parents[2]
NETS = """import torch
from torch import nn


class Good(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)

    def forward(self, x):
        return torch.relu(self.conv(x))


class Bad(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(9, stride=1, padding=4)

    def forward(self, x):
        return self.pool(x)


class Wild(nn.Module):
    def forward(self, x):
        return torch.some_op_of_the_future(x)
"""


class Deaf:
    """Not a module, so nothing to be seen."""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


def load(path: Path) -> dict[str, type]:
    """The classes of the file, made without torch: only their source counts."""
    torch = type(sys)("torch")
    torch.nn = type(sys)("torch.nn")  # type: ignore[attr-defined]
    torch.nn.Module = type("Module", (), {})
    module = type(sys)("nets_for_plugin")
    module.__file__ = str(path)
    sys.modules["nets_for_plugin"] = module
    saved = {name: sys.modules.get(name) for name in ("torch", "torch.nn")}
    sys.modules.update({"torch": torch, "torch.nn": torch.nn})
    try:
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    finally:
        for name, old in saved.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old
    return {name: value for name, value in vars(module).items() if isinstance(value, type)}


def test_a_ready_class_passes_and_gives_its_analysis(nets: Path) -> None:
    found = assert_ane_ready(load(nets)["Good"], "1x3x32x32", target="iPhone 15", off_ane=())
    assert [model.name for model in found.models] == ["Good"]
    assert found.models[0].target == "iPhone 15 (A16)" or "A16" in found.models[0].target


def test_a_finding_fails_with_its_place(nets: Path) -> None:
    bad = load(nets)["Bad"]
    with pytest.raises(AssertionError) as raised:
        assert_ane_ready(bad, "1x8x32x32", target="M4")
    first, *_, why, accept = str(raised.value).splitlines()
    assert first == "Bad is not ready for the ANE of M4: 1 warning"
    assert why == "Why, and how to fix it: ane-lsp explain ANE302"
    assert "ignore=['ANE302']" in accept
    assert "nets.py:20:16: warning[ANE302]" in str(raised.value)
    assert assert_ane_ready(bad, "1x8x32x32", target="M4", ignore=["ANE302"]).findings == []
    assert assert_ane_ready(bad, "1x8x32x32", target="M4", fail_on="error")


def test_other_classes_of_the_file_do_not_count(nets: Path) -> None:
    assert assert_ane_ready(load(nets)["Good"], "1x3x32x32").models[0].findings == 0


def test_operations_off_the_ane_can_be_refused_and_allowed(nets: Path) -> None:
    bad = load(nets)["Bad"]
    with pytest.raises(
        AssertionError, match=r"of M4: 1 operation off the ANE\n(.|\n)*max_pool at nets\.py:20 on M4: a 9x9"
    ):
        assert_ane_ready(bad, "1x8x32x32", target="M4", fail_on="error", off_ane=())
    assert assert_ane_ready(bad, "1x8x32x32", target="M4", fail_on="error", off_ane=("max_pool",))


def test_a_file_counts_with_all_its_models() -> None:
    with pytest.raises(AssertionError, match="ANE302"):
        assert_ane_ready(ROOT / "examples" / "detector_neck.py")
    assert assert_ane_ready(str(ROOT / "docs" / "tutorial" / "decoder.py"), off_ane=()).findings == []


def test_what_was_not_seen_is_not_ready(tmp_path: Path) -> None:
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(AssertionError, match="no model was found"):
        assert_ane_ready(empty)
    broken = tmp_path / "broken.py"
    broken.write_text("import torch\nclass Net(:\n")
    with pytest.raises(AssertionError, match=r"targets in the settings: broken\.py:2: invalid syntax$"):
        assert_ane_ready(broken)
    with pytest.raises(AssertionError, match=r'say its inputs, assert_ane_ready\(Deaf, "1x3x224x224"\)'):
        assert_ane_ready(Deaf)


def test_wrong_arguments(nets: Path) -> None:
    for given in ({"fail_on": "fatal"}, {"inputs": "1x3"}, {"target": "iPhone 99"}, {"budgett": 3}):
        with pytest.raises(ValueError):
            assert_ane_ready(nets, **given)


def test_the_fixture_is_found_by_pytest(nets: Path) -> None:
    """As an installed plugin would be; torch must not be imported by it, and a failure is told without our own frames."""
    (nets.parent / "test_it.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "def test_ready(assert_ane_ready):\n"
        "    assert_ane_ready(Path('nets.py'), ignore=['ANE3'], fail_on='error')\n"
        "    assert 'torch' not in sys.modules\n"
        "def test_not_ready(assert_ane_ready):\n"
        "    assert_ane_ready(Path('nets.py'), target='M4')\n"
    )
    (nets.parent / "pytest.ini").write_text("[pytest]\n")
    (nets.parent / "ane-lsp.toml").write_text(
        '[[entry]]\ncall = "Good"\ninputs = ["1x3x32x32"]\n[[entry]]\ncall = "Bad"\ninputs = ["1x8x32x32"]\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "ane_lsp.pytest_plugin"]
    done = subprocess.run(
        command, cwd=nets.parent, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": str(nets.parent)},
    )  # fmt: skip
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "ANE302" in done.stdout
    assert "SEVERITIES" not in done.stdout
