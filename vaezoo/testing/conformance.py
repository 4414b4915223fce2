"""What ``pytest --vaezoo-plugin NAME`` collects: the contracts of the plugins it names."""

from __future__ import annotations

from vaezoo.testing.collection import contracts

globals().update(contracts())
