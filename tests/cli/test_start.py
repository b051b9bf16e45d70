"""What starting the command loads, and that nothing of the checked code is run."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch",
    "pygls",
    "lsprotocol",
    "libcst",
    "numpy",
    "coremltools",
    "cattrs",
    "attrs",
    "multiprocessing",
    "asyncio",
)


@pytest.mark.parametrize(
    "command",
    [
        ["check", "net.py"],
        ["check", "--format", "sarif", "net.py"],
        ["trace", "net.py"],
        ["explain", "ANE302"],
        ["rules"],
        ["devices"],
        ["--version"],
        ["--help"],
        ["doctor"],
        ["server", "--help"],
        ["completion", "bash"],
    ],
    ids=" ".join,
)
def test_no_heavy_package_is_imported(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x\n"
    )
    script = (
        "import sys\nfrom ane_lsp.cli.main import main\n"
        f"code = main({command!r})\n"
        f"loaded = sorted(name for name in {HEAVY!r} if name in sys.modules)\n"
        "assert not loaded, f'imported at start: {loaded}'\nassert code == 0, code\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=_environment(tmp_path),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_findings_bring_no_heavy_package_either(tmp_path: Path) -> None:
    neck = Path(__file__).resolve().parents[2] / "examples" / "detector_neck.py"
    script = (
        "import sys\nfrom ane_lsp.cli.main import main\n"
        f"code = main(['check', '--exit-zero', {str(neck)!r}])\n"
        f"loaded = sorted(name for name in {HEAVY!r} if name in sys.modules)\n"
        "assert not loaded, f'imported for findings: {loaded}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=_environment(tmp_path), timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "[ANE" in done.stdout


def test_nothing_of_the_checked_code_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    write = f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n"
    for name in ("side.py", "sitecustomize.py", "conftest.py", "torch.py"):
        (tmp_path / name).write_text(write)
    (tmp_path / "net.py").write_text(
        f"{write}import torch, side\nfrom torch import nn\n\n\n"
        "class Net(nn.Module):\n"
        f"    open({str(mark)!r}, 'w').close()\n\n"
        "    def forward(self, x):\n"
        f"        exec({write!r})\n"
        f"        __import__('os').system('touch {mark}')\n"
        "        return x\n\n\nNet()(torch.zeros(1))\n"
    )
    for command in (["check", "net.py"], ["check", "."], ["trace", "net.py"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ane_lsp", *command] if sys.version_info >= (3, 11) else _isolated(command),
            cwd=tmp_path, capture_output=True, text=True, env=_environment(tmp_path), timeout=60,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        assert not mark.exists(), command
        assert done.returncode in (0, 1), done.stderr


def _isolated(command: list[str]) -> list[str]:
    return [
        sys.executable,
        "-c",
        f"import sys; sys.path.pop(0); from ane_lsp.cli.main import main; sys.exit(main({command!r}))",
    ]


def _environment(tmp_path: Path) -> dict[str, str]:
    import os

    root = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": str(root), "ANE_LSP_CACHE_DIR": str(tmp_path / "cache")}
