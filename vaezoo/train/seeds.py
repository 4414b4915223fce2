"""One integer seed from several numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def mix(*key: int) -> int:
    """Returns a seed below 2**63 from a key of numbers; their order counts, zeros at the end do not."""
    state = np.random.SeedSequence([number % 2**32 for number in key]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Lets torch take only algorithms that give the same bits every time, where that is wanted, and as before after."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(wanted or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
