"""The file that ``pytest --vaezoo-plugin NAME`` collects: the contracts of the named plugins."""

from __future__ import annotations

from vaezoo.testing.collection import contracts

globals().update(contracts())
