"""``python -m irtd_fast`` is ``irtd``."""

from __future__ import annotations

import sys

from irtd_fast.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
