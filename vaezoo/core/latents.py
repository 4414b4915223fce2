"""The result of inference under a prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from torch import Tensor


@final
@dataclass(frozen=True)
class Latents:
    """Latents with their rate and the state for the decoder.

    Attributes:
        z: Samples per level, coarse to fine, (K, B, ...).
        state: Input of the decoder, (K·B, ...), with the sample index slow.
        rate: Rate per level, (B,) nats, exact where a closed form exists; empty where there is none.
        log_p: Log density of z under the prior, (K, B) nats, or None.
        log_q: Log density of z under the posterior, (K, B) nats, or None.
        codes: Indices into the codebooks, int64 (B, h, w) each.
        penalties: Further terms (B,), already weighted. `vaezoo.core.Objective` adds them to any loss.
    """

    z: tuple[Tensor, ...]
    state: Tensor
    rate: tuple[Tensor, ...] = ()
    log_p: Tensor | None = None
    log_q: Tensor | None = None
    codes: tuple[Tensor, ...] = ()
    penalties: Mapping[str, Tensor] = field(default_factory=dict)
