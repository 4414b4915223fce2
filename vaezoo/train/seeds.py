"""One integer seed from several numbers."""

from __future__ import annotations

import numpy as np


def mix(*key: int) -> int:
    """Returns a seed below 2**63 from a key of numbers; their order counts, zeros at the end do not."""
    state = np.random.SeedSequence([number % 2**32 for number in key]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
