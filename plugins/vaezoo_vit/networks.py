"""Transformers over patches, mirror images of each other; each patch has latents of its own.

    image ─ embed patches ─ + positions ─ [block]×n ─ norm ─► mean, logvar of each patch
    z     ─ embed cells   ─ + positions ─ [block]×n ─ norm ─ unpatchify ─► likelihood

Positions are learned for one picture size and resampled for others; every token looks at every other, so the time
grows with the square of a picture's pixels, and a tile's output differs from the whole picture's.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from vaezoo.core.facts import accepts_keywords

from .facts import ViTDecoderConfig, ViTEncoderConfig


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
        config: Its parameters, which are also taken as keywords.

    Source: An Image is Worth 16x16 Words (Dosovitskiy et al., 2020), section 3.1, arXiv:2010.11929.
    """

    @accepts_keywords(ViTEncoderConfig)
    def __init__(self, config: ViTEncoderConfig) -> None:
        super().__init__()
        self.channels, self.stride, self.belief = config.image_channels, config.patch, config.belief
        grid = cells(config.image_size, config.patch)
        plain = {"class_token": False, "global_pool": "", "num_classes": 0}
        sizes = {
            "embed_dim": config.width,
            "depth": config.blocks,
            "num_heads": config.heads,
            "patch_size": config.patch,
        }
        own = {
            "img_size": [config.patch * side for side in grid],
            "in_chans": config.image_channels,
            "dynamic_img_size": True,
        }
        self.body: Any = differentiable_twice(
            timm_network(config.backbone, **{**plain, **(config.options or {}), **sizes, **own})
        )
        self.tell = (
            nn.Linear(config.context_vector, config.width)
            if config.context_vector and config.modulate == "none"
            else None
        )
        self.modulations = modulations(config.modulate, config.context_vector, [config.width])
        self.believe = nn.Conv2d(config.width, belief_channels(config.belief, config.latent_channels), 1)

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
        config: Its parameters, which are also taken as keywords.

    Source: the decoder of Masked Autoencoders Are Scalable Vision Learners (He et al., 2021), section 3,
    arXiv:2111.06377.
    """

    @accepts_keywords(ViTDecoderConfig)
    def __init__(self, config: ViTDecoderConfig) -> None:
        super().__init__()
        import_timm()
        block = import_module("timm.models.vision_transformer").Block
        self.channels, self.stride = config.image_channels, config.patch
        self.head = LikelihoodHead(config.likelihood, config.image_channels, config.scale)
        self.enter = nn.Conv2d(config.latent_channels, config.width, 1)
        self.positions = Positions(config.width, cells(config.image_size, config.patch))
        self.tell = (
            nn.Linear(config.context_vector, config.width)
            if config.context_vector and config.modulate == "none"
            else None
        )
        self.blocks = nn.ModuleList(
            differentiable_twice(block(config.width, config.heads, qkv_bias=True)) for _ in range(config.blocks)
        )
        self.modulations = modulations(config.modulate, config.context_vector, [config.width] * config.blocks)
        self.norm = nn.LayerNorm(config.width, eps=1e-6)
        self.project = nn.Linear(config.width, self.head.outputs * config.patch**2)
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
