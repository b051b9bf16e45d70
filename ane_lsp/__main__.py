"""``python -m ane_lsp``."""

import os
import sys


def leave_folder() -> None:
    """Take the folder ``python -m`` was started in off the import path: it may hold a ``json.py`` that is not Python's.

    Where this very package lies in it, the folder goes last.
    """
    here = os.path.realpath(os.getcwd())
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    if sys.path and os.path.realpath(sys.path[0] or os.curdir) == here:
        del sys.path[0]
        if package == here:
            sys.path.append(package)


if __name__ == "__main__":
    leave_folder()
    from ane_lsp.cli.main import script

    sys.exit(script())
