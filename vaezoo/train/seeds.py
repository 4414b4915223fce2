"""One integer seed from several numbers, and what it is for: torch's generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def mix(*key: int) -> int:
    """Returns a seed below 2**63 from a key of numbers; their order counts, zeros at the end do not."""
    entropy = np.array([number % 2**32 for number in key], np.uint32)  # a list is taken apart number by number
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def seed_torch(seed: int, device: torch.device) -> None:
    """Seeds the global generators that something on this device draws from.

    ``torch.manual_seed`` seeds those of every kind of device, and formats the stack for each kind that is not yet in
    use: 1.3 ms a call, a tenth of a small step.
    """
    import torch

    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


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
