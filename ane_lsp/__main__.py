"""``python -m ane_lsp``."""

import sys

from ane_lsp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
