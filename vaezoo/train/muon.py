"""Muon: momentum with orthogonalised matrix updates. `update` decides which parameters it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast, final

import torch
from torch import Tensor, nn

ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration. It leaves singular values in about [0.7, 1.2], which is close enough to 1."""


def orthogonal(matrices: Tensor) -> Tensor:
    """Returns matrices with the same singular vectors and singular values near 1.

    Args:
        matrices: Matrices (N, rows, columns). It is fastest if rows ≤ columns.
    """
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


@final
class Muon(torch.optim.Optimizer):
    """Nesterov momentum with orthogonalised updates and decoupled weight decay.

    A kernel (out, in, h, w) is treated as a matrix (out, in·h·w). An update has a root mean square of 0.2, about that
    of AdamW, so that both use the same learning rate. It is computed in fp32, since half precision is slow on most
    CPUs.

    Args:
        params: Parameters with two or more dimensions.
        lr: Learning rate.
        momentum: Factor of the running mean of gradients.
        weight_decay: Decoupled weight decay, multiplied by the learning rate.

    Source: Muon: An optimizer for hidden layers in neural networks (Jordan et al., 2024), kellerjordan.github.io/
    posts/muon; the size of the update: Muon is Scalable for LLM Training (Liu et al., 2025), arXiv:2502.16982.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Updates all parameters that have a gradient. Kernels of one shape are processed together."""
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
