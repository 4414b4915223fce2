"""How the core finds by name what plugins declare: `vaezoo.host`, which is above it, is asked when there is need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FINDERS: dict[str, Callable[[str], Any]] = {}
"""By kind, such as ``belief``: from a name to what was declared under it. `vaezoo` fills this when it is imported."""
