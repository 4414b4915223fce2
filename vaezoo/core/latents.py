"""What inference under a prior gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Latents:
    """Latents, what the decoder needs of them, and what they cost.

    Attributes:
        z: Per level, coarse to fine, (K, B, ...).
        state: What the decoder sees, (K·B, ...), the sample index slow.
        rate: Per level (B,) nats, exact where a closed form exists; empty where it has no meaning.
        log_p: Log density of z under the prior, (K, B) nats, or None.
        log_q: Log density of z under the posterior, (K, B) nats, or None.
        codes: Indices into codebooks, int64 (B, h, w) each.
        penalties: Further terms (B,), already weighted by their owner; `vaezoo.core.Objective` adds them to any loss.
    """

    z: tuple[Tensor, ...]
    state: Tensor
    rate: tuple[Tensor, ...] = ()
    log_p: Tensor | None = None
    log_q: Tensor | None = None
    codes: tuple[Tensor, ...] = ()
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
