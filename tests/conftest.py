"""What all tests share."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def data_folders() -> list[Path]:
    """The folders of $VAEZOO_DATA; skips where there are none."""
    folders = [Path(f) for f in os.environ.get("VAEZOO_DATA", "").split(os.pathsep) if f]
    if not folders or not all(f.is_dir() for f in folders):
        pytest.skip("needs the data sets: set VAEZOO_DATA to their folders")
    return folders
