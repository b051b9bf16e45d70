"""The Python of docs/python-api.md, run from the root of the checkout, each block after the ones before it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_blocks_run() -> None:
    torch_free = [block for block in BLOCKS if "imports torch" not in block]
    assert len(torch_free) >= 4
    told = run("\n".join(torch_free) + "\nimport sys; assert 'torch' not in sys.modules\n")
    assert "ANE302" in told
    assert "TinyDecoder M1" in told
    assert "without ('greater_equal', 'add', 'select', 'gather')" in told


def test_blocks_that_import_a_model_run() -> None:
    pytest.importorskip("torch", reason="torch is needed to import a model class")
    own = [block for block in BLOCKS if "imports torch" in block]
    assert len(own) == 1
    run(own[0])


def test_every_function_is_described() -> None:
    import ane_lsp

    functions = [name for name in ane_lsp.__all__ if name[0].islower() and not name.startswith("_")]
    assert all(f"`{name}(" in PAGE for name in functions)
    assert all(getattr(ane_lsp, name).__doc__ for name in functions)
