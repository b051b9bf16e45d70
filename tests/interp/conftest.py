"""Makes the helpers beside the tests importable, and counts copies of modules."""

import sys
from pathlib import Path
from typing import Any

import pytest

from ane_lsp.interp.templates import Template
from ane_lsp.interp.values import Instance

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[Instance]:
    """The modules that were copied instead of built, from here on."""
    made: list[Instance] = []
    again = Template.again

    def watched(*given: Any) -> Instance | None:
        found = again(*given)
        if found is not None:
            made.append(found)
        return found

    monkeypatch.setattr(Template, "again", watched)
    return made
