"""Muon: momentum whose matrix updates are made orthogonal. Which parameters it gets is decided in `update`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast, final

import torch
from torch import Tensor, nn

ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration; it leaves singular values within about [0.7, 1.2] instead of at 1, which is enough."""


def orthogonal(matrices: Tensor) -> Tensor:
    """Returns matrices with the same singular vectors and singular values near 1.

    Args:
        matrices: (N, rows, columns); quickest where rows ≤ columns.
    """
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


@final
class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal, with decoupled weight decay.

    A kernel (out, in, h, w) is the matrix (out, in·h·w). An update has the root mean square 0.2, about that of
    AdamW, so both take the same learning rate; it is computed in fp32, since half precision is slow on most CPUs.

    Args:
        params: Parameters of two or more dimensions.
        lr: Learning rate.
        momentum: Of the running mean of gradients.
        weight_decay: Decoupled, times the learning rate.

    Source: Muon: An optimizer for hidden layers in neural networks (Jordan et al., 2024), kellerjordan.github.io/
    posts/muon; the size of the update: Muon is Scalable for LLM Training (Liu et al., 2025), arXiv:2502.16982.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates every parameter that has a gradient; kernels of one shape together."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for parameters in alike.values():
                self._update(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _update(self, parameters: list[nn.Parameter], lr: float, momentum: float, decay: float) -> None:
        rows, columns = parameters[0].shape[0], parameters[0][0].numel()
        updates = []
        for parameter in parameters:
            state, gradient = self.state[parameter], cast(Tensor, parameter.grad)
            if not state:
                state["mean"] = torch.zeros_like(parameter)
            state["mean"].lerp_(gradient, 1 - momentum)
            updates.append(torch.lerp(gradient, state["mean"], momentum).reshape(rows, columns))
        stacked = torch.stack(updates).float()
        stacked = orthogonal(stacked.mT).mT if rows > columns else orthogonal(stacked)
        size = 0.2 * max(rows, columns) ** 0.5
        for parameter, update in zip(parameters, stacked, strict=True):
            parameter.mul_(1 - lr * decay).add_(update.reshape(parameter.shape), alpha=-lr * size)
