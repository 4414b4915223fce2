"""The number of rows that a model may process at once, computed from bytes before anything large is run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vaezoo.core import VAE, Batch, Noise
from vaezoo.errors import ConfigError


@torch.no_grad()
def rows_within(model: VAE, image: Tensor, max_mib: float = 512, *, cond: Mapping[str, Tensor] | None = None) -> int:
    """Returns how many rows (images × samples) fit, from the size of all outputs of the modules for one row.

    Without gradients most outputs are freed early, so the result is on the safe side. One row is always allowed.

    Args:
        model: Model in the mode it is used in.
        image: Image (1, C, H, W).
        max_mib: Bound on the modules' outputs, in MiB. The model itself is not counted.
        cond: Conditions, one row each.

    Raises:
        ConfigError: The bound is not positive.
    """
    if not max_mib > 0:
        raise ConfigError(f"Expected max_mib above 0, got {max_mib}.", value=max_mib)
    found: list[int] = []

    def count(module: nn.Module, given: object, out: object) -> None:
        if isinstance(out, Tensor):
            found.append(out.numel() * out.element_size())

    leaves = [module for module in model.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(count) for module in leaves]
    try:
        bound = model(Batch(image, cond=cond or {}), noise=Noise(seed=0))
    finally:
        for hook in hooks:
            hook.remove()
    # Likelihoods work in fp32 on a few tensors of the image's size: the mean, the repeated target, each term.
    row = sum(found) + 6 * 4 * image.numel() + 4 * 4 * sum(z.numel() for z in bound.latents.z)
    return max(1, math.floor(max_mib * 2**20 / row))
