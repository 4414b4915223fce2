"""The ``vaezoo`` command line. Each file has a group of related commands, and is imported when one is called."""

from __future__ import annotations

from vaezoo.cli.main import main

__all__ = ["main"]
