"""How many rows a model may take at once, counted in bytes before anything large is run."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vaezoo.core import VAE, Batch, Noise
from vaezoo.errors import ConfigError


@torch.no_grad()
def rows_within(model: VAE, image: Tensor, max_mib: float = 512, *, cond: Mapping[str, Tensor] | None = None) -> int:
    """Returns how many rows (images × samples) fit, from the bytes of every tensor that one row's modules put out.

    Without gradients most of these are freed early, so this is on the safe side. A single row is always allowed.

    Args:
        model: In the mode it is used in.
        image: One image (1, C, H, W).
        max_mib: Bound on what the modules put out, MiB; the model itself is not counted.
        cond: Its other conditions, one row each.

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
