"""Guests for the tests of the kit."""

from __future__ import annotations

from pathlib import Path

import pytest
from zoo.guests import Guests


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guests:
    return Guests(tmp_path, monkeypatch)
