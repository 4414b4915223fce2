"""Transformers over patches, mirror images of each other; each patch has latents of its own.

    image ─ embed patches ─ + positions ─ [block]×n ─ norm ─► mean, logvar of each patch
    z     ─ embed cells   ─ + positions ─ [block]×n ─ norm ─ unpatchify ─► likelihood

Positions are learned for one picture size and resampled for others; every token looks at every other, so the time
grows with the square of a picture's pixels, and a tile's output differs from the whole picture's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import (
    Context,
    Decoder,
    Encoder,
    Likelihood,
    LikelihoodHead,
    Posterior,
    believe,
    import_timm,
    modulated,
    modulations,
    timm_network,
)
from vaezoo.core.beliefs import belief_channels
from vaezoo.core.facts import check_modulate

from .facts import KINDS, check_transformer


def cells(image_size: Sequence[int], patch: int) -> tuple[int, int]:
    """Returns how many patches a picture of (H, W) has, down and across; a part of one counts."""
    return -(-image_size[0] // patch), -(-image_size[1] // patch)


def to_grid(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Returns tokens (N, h·w, c) in their places, (N, c, h, w)."""
    return tokens.transpose(1, 2).unflatten(2, grid)


def to_tokens(features: Tensor) -> Tensor:
    """Returns features (N, c, h, w) row by row, (N, h·w, c)."""
    return features.flatten(2).transpose(1, 2)


def unpatchify(tokens: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """Returns the image whose patches the tokens are.

    Args:
        tokens: (N, h·w, C·patch²), each patch as C planes of its rows.
        grid: (h, w).
        patch: Side of a patch, in pixels.

    Returns:
        (N, C, h·patch, w·patch).
    """
    return F.pixel_shuffle(to_grid(tokens, grid), patch)


def differentiable_twice(module: nn.Module) -> nn.Module:
    """Returns the module with plain attention: torch's fused kernel has no second derivative on a CPU."""
    layer: Any
    for layer in module.modules():
        if hasattr(layer, "fused_attn"):
            layer.fused_attn = False
    return module


@final
class ViTEncoder(Encoder):
    """A timm vision transformer to a belief about each patch.

    Args:
        latent_channels: D, per patch.
        image_channels: C.
        image_size: (H, W) that positions are learned for; for other sizes they are resampled.
        patch: Side of a patch, in pixels.
        width: Channels of a token.
        blocks: Transformer blocks.
        heads: Attention heads; they share the width.
        backbone: A timm network with one token for each patch throughout, of its modules ``vision_transformer``,
            ``deit`` and ``eva``; it keeps its kind of block and takes its sizes from here. Its weights are new.
        options: Further arguments of ``timm.create_model``, such as ``{"reg_tokens": 4, "drop_path_rate": 0.1}``.
        context_vector: Dimensions of the context's vector; 0 for none.
        belief: ``gaussian``, ``dirac`` for a point and nothing else, or another of :mod:`vaezoo.core.beliefs`.
        modulate: ``film``: the vector scales the features too, instead of being added.

    Raises:
        BackendUnavailable: timm cannot be imported.
        UnknownName: timm has no such network.
        ConfigError: A setting is outside its range, or the network refuses an option.

    Source: An Image is Worth 16x16 Words (Dosovitskiy et al., 2020), section 3.1, arXiv:2010.11929.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        image_size: Sequence[int] = (28, 28),
        patch: int = 4,
        width: int = 128,
        blocks: int = 4,
        heads: int = 4,
        backbone: str = "vit_tiny_patch16_224",
        options: Mapping[str, Any] | None = None,
        context_vector: int = 0,
        belief: str = "gaussian",
        modulate: str = "none",
    ) -> None:
        super().__init__()
        check_transformer(tuple(image_size), patch, width, blocks, heads)
        check_modulate(modulate, context_vector, KINDS)
        self.channels, self.stride, self.belief = image_channels, patch, belief
        grid = cells(image_size, patch)
        plain = {"class_token": False, "global_pool": "", "num_classes": 0}
        sizes = {"embed_dim": width, "depth": blocks, "num_heads": heads, "patch_size": patch}
        own = {"img_size": [patch * side for side in grid], "in_chans": image_channels, "dynamic_img_size": True}
        self.body: Any = differentiable_twice(timm_network(backbone, **{**plain, **(options or {}), **sizes, **own}))
        self.tell = nn.Linear(context_vector, width) if context_vector and modulate == "none" else None
        self.modulations = modulations(modulate, context_vector, [width])
        self.believe = nn.Conv2d(width, belief_channels(belief, latent_channels), 1)

    def forward(self, image: Tensor, context: Context) -> Posterior:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        grid = cells((image.shape[2], image.shape[3]), self.stride)
        tokens = self.body.forward_features(image)[:, self.body.num_prefix_tokens :]
        features = modulated(self.modulations, 0, to_grid(tokens, grid), context.vector)
        if self.tell is not None and context.vector is not None:
            features = features + self.tell(context.vector)[:, :, None, None]
        return believe(self.believe(features), self.belief)


@final
class Positions(nn.Module):
    """Adds a learned vector to each cell, resampled where a picture has another number of cells.

    Args:
        width: Channels.
        grid: Cells down and across that it is learned for.
    """

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.empty(1, width, *grid))
        nn.init.trunc_normal_(self.places, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """Returns features (N, width, h, w) with their places."""
        places: Tensor = self.places
        if places.shape[2:] != features.shape[2:]:
            size = [int(side) for side in features.shape[2:]]
            places = F.interpolate(places.float(), size, mode="bicubic", antialias=True).to(features.dtype)
        return features + places


@final
class ViTDecoder(Decoder):
    """Transformer blocks over the cells of a state, and a patch of pixels from each.

    Args:
        latent_channels: D, per patch.
        image_channels: C.
        image_size: (H, W) that positions are learned for; for other sizes they are resampled.
        patch: Side of a patch, in pixels.
        width: Channels of a token.
        blocks: Transformer blocks.
        heads: Attention heads; they share the width.
        likelihood: A kind, see :class:`vaezoo.core.LikelihoodHead`.
        scale: Likewise.
        context_vector: Dimensions of the context's vector; 0 for none.
        modulate: ``film``: the vector changes what each block gives instead of being added once.

    Raises:
        BackendUnavailable: timm cannot be imported.
        ConfigError: A setting is outside its range.

    Source: the decoder of Masked Autoencoders Are Scalable Vision Learners (He et al., 2021), section 3,
    arXiv:2111.06377.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 1,
        image_size: Sequence[int] = (28, 28),
        patch: int = 4,
        width: int = 128,
        blocks: int = 4,
        heads: int = 4,
        likelihood: str = "bernoulli",
        scale: float | str = "learned",
        context_vector: int = 0,
        modulate: str = "none",
    ) -> None:
        super().__init__()
        check_transformer(tuple(image_size), patch, width, blocks, heads)
        check_modulate(modulate, context_vector, KINDS)
        import_timm()
        block = import_module("timm.models.vision_transformer").Block
        self.channels, self.stride = image_channels, patch
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.enter = nn.Conv2d(latent_channels, width, 1)
        self.positions = Positions(width, cells(image_size, patch))
        self.tell = nn.Linear(context_vector, width) if context_vector and modulate == "none" else None
        self.blocks = nn.ModuleList(differentiable_twice(block(width, heads, qkv_bias=True)) for _ in range(blocks))
        self.modulations = modulations(modulate, context_vector, [width] * blocks)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.project = nn.Linear(width, self.head.outputs * patch**2)
        for layer in self.blocks.modules():
            if isinstance(layer, nn.Linear):  # as timm's encoders begin
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`; a vector is taken as a grid of one cell."""
        features = self.positions(self.enter(state[:, :, None, None] if state.dim() == 2 else state))
        if self.tell is not None and context.vector is not None:
            features = features + self.tell(context.vector)[:, :, None, None]
        grid = (int(features.shape[2]), int(features.shape[3]))
        for index, block in enumerate(self.blocks):
            changed = to_grid(block(to_tokens(features)), grid)
            features = modulated(self.modulations, index, changed, context.vector)
        tokens = self.project(self.norm(to_tokens(features)))
        likelihood: Likelihood = self.head(unpatchify(tokens, grid, self.stride))
        return likelihood
