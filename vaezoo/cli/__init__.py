"""The command line. One file a verb group; a verb's file is imported when the verb is called."""

from __future__ import annotations

from vaezoo.cli.main import main

__all__ = ["main"]
