"""Every proof runs torch."""

import pytest

pytest.importorskip("torch", reason="torch is not installed: fixes are proven by running models")
