"""oneDNN says in words of its own that memory does not suffice: the tile is halved."""

from __future__ import annotations

import pytest
import torch

from vaezoo.restore.restorer import is_out_of_memory


@pytest.mark.parametrize(
    "words",
    [
        "could not create a primitive",
        "could not create a primitive descriptor",
        "can't allocate memory",
    ],
)
def test_words_for_too_little_memory(words: str) -> None:
    assert is_out_of_memory(RuntimeError(words)) and not is_out_of_memory(RuntimeError("could not create a folder"))
    assert is_out_of_memory(torch.OutOfMemoryError(words)) and is_out_of_memory(MemoryError())
