"""Names that a package makes when they are asked for (PEP 562)."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import finished

FACTORY = """\
from torch import nn
def build(n):
    return nn.Sequential(nn.Linear(8, n), nn.ReLU())
"""
PACKAGES = [
    "def __getattr__(name):\n    if name != 'build':\n        raise AttributeError(name)\n    from . import factory\n    return factory.build\n",
    "from .factory import build as made\n_NAMES = {'build': made}\ndef __getattr__(name):\n    try:\n        return _NAMES[name]\n    except KeyError:\n        raise AttributeError(name)\n",
    "from . import lazy\n__getattr__ = lazy.look_up\n",
]
PROGRAM = """\
import torch
import package
from package import build
from_import = tuple(build(4)(torch.rand(2, 8)).shape)
attribute = tuple(package.build(5)(torch.rand(2, 8)).shape)
missing = hasattr(package, "other"), getattr(package, "other", None)
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_is_asked_for_names_that_it_lacks(tmp_path: Path, package: str) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text(package)
    (folder / "factory.py").write_text(FACTORY)
    (folder / "lazy.py").write_text(
        "from . import factory\ndef look_up(name):\n    if name == 'build':\n        return factory.build\n    raise AttributeError(name)\n"
    )
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    _, space = finished(path)
    expected: dict[str, object] = {}
    import sys
    from subprocess import run

    printed = "\nprint((from_import, attribute, missing))"
    shown = run([sys.executable, "-c", PROGRAM + printed], cwd=tmp_path, capture_output=True, text=True, check=True)
    exec(f"expected = {shown.stdout.strip()}", expected)
    assert (space["from_import"], space["attribute"], space["missing"]) == expected["expected"]
