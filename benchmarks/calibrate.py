"""``python -m benchmarks.calibrate NAME``: ``vaezoo calibrate`` for the cards of this repository's registry.yaml."""

from __future__ import annotations

import sys

from benchmarks.shelve import SHELF
from vaezoo.cli import main

if __name__ == "__main__":
    main(["calibrate", *sys.argv[1:], "--registry", str(SHELF)])
