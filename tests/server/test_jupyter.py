"""The entry point that jupyter-lsp reads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lsp_client import environment

from ane_lsp.server.jupyter import spec

ROOT = Path(__file__).resolve().parents[2]


def test_the_spec_names_a_command_that_exists():
    entry = spec()["ane-lsp"]
    assert entry["version"] == 2
    assert entry["argv"][0] == sys.executable
    help_text = subprocess.run([*entry["argv"], "--help"], capture_output=True, text=True, env=environment())
    assert "--stdio" in help_text.stdout


def test_the_package_declares_it():
    text = (ROOT / "pyproject.toml").read_text()
    assert "jupyter_lsp_spec_v1" in text
    assert '"ane_lsp.server.jupyter:spec"' in text
