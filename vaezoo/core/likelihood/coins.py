"""The log-probability of Bernoulli variables given by logits, and its gradient, in few passes over memory."""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from typing import Any, final

import torch
from torch import Tensor


def coin_log_prob(x: Tensor, logits: Tensor) -> Tensor:
    """Returns Σ x·l − log(1 + eˡ) over pixels P.

    It equals Σ x·l − max(l, 0) + log σ(|l|). The last term is summed as the logarithm of a product of factors
    σ(|l|) in [½, 1], so one logarithm serves up to 120 pixels. All steps share one buffer, since allocating memory
    costs more than the arithmetic. torch's σ takes half the time of its exponential. On one thread of a CPU this takes
    0.4 to 0.8 of the time of torch's softplus, a product and a sum; with gradients 0.75 to 1 of it. Errors are no
    larger.

    Args:
        x: (B, P) in [0, 1].
        logits: l, (K, B, P).

    Returns:
        Nats, (K, B).
    """
    if torch.is_grad_enabled():
        total: Tensor = _CoinLogProb.apply(x, logits)
        return total
    return _total(x, logits)


@lru_cache
def _factors(pixels: int) -> int:
    """Returns how many factors in [½, 1] to multiply: a divisor of the pixels, small enough for fp32."""
    return max(count for count in range(1, 121) if pixels % count == 0)


def _total(x: Tensor, logits: Tensor) -> Tensor:
    buffer = logits.clamp_min(0)
    misses = buffer.addcmul_(x, logits, value=-1).sum(2)
    factors = buffer.copy_(logits).abs_().sigmoid_().unflatten(2, (-1, _factors(x.shape[-1])))
    return factors.prod(3).log_().sum(2) - misses


@final
class _CoinLogProb(torch.autograd.Function):
    """The sums with their gradients. The gradients can be differentiated again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, logits: Tensor) -> Tensor:
        return _total(x, logits)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, logits = ctx.saved_tensors
        by_x, by_logits = ctx.needs_input_grad
        gradient = gradient[..., None]
        return (
            (gradient * logits).sum(0) if by_x else None,
            gradient * (x - torch.sigmoid(logits)) if by_logits else None,
        )


# apply() asks for it at every call, and making it takes longer than the arithmetic of a small batch.
_CoinLogProb.forward.__signature__ = signature(_CoinLogProb.forward)  # type: ignore[attr-defined]
