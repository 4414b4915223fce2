"""What ``pytest --vaezoo-plugin NAME`` collects: the contracts of the plugins it names."""

from __future__ import annotations

from .collection import contracts

globals().update(contracts())
