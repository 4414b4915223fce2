"""Transformers over patches: an encoder and a decoder, mirror images of each other. Each patch has its own latents.

    image ─ embed patches ─ + positions ─ [block]×n ─ norm ─► mean, logvar of each patch
    z     ─ embed cells   ─ + positions ─ [block]×n ─ norm ─ unpatchify ─► likelihood

Positions are learned for one image size and resampled for others. Every token sees every other, so the time grows with
the square of an image's pixels, and the output for a tile differs from that for the whole image.
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
    """Returns the number of patches of an image (H, W), down and across, including partial ones."""
    return -(-image_size[0] // patch), -(-image_size[1] // patch)


def to_grid(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """Arranges tokens (N, h·w, c) on their grid, (N, c, h, w)."""
    return tokens.transpose(1, 2).unflatten(2, grid)


def to_tokens(features: Tensor) -> Tensor:
    """Flattens features (N, c, h, w) row by row to tokens, (N, h·w, c)."""
    return features.flatten(2).transpose(1, 2)


def unpatchify(tokens: Tensor, grid: tuple[int, int], patch: int) -> Tensor:
    """Returns the image whose patches are the tokens.

    Args:
        tokens: Tokens (N, h·w, C·patch²), each a patch as C planes of its rows.
        grid: Grid (h, w).
        patch: Side of a patch, in pixels.

    Returns:
        Image (N, C, h·patch, w·patch).
    """
    return F.pixel_shuffle(to_grid(tokens, grid), patch)


def differentiable_twice(module: nn.Module) -> nn.Module:
    """Switches a module to plain attention, since torch's fused kernel has no second derivative on a CPU."""
    layer: Any
    for layer in module.modules():
        if hasattr(layer, "fused_attn"):
            layer.fused_attn = False
    return module


@final
class ViTEncoder(Encoder):
    """A timm vision transformer, to a belief for each patch.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

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
    """Adds a learned vector to each cell. It is resampled for another number of cells.

    Args:
        width: Number of channels.
        grid: Number of cells, down and across, for which it is learned.
    """

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.empty(1, width, *grid))
        nn.init.trunc_normal_(self.places, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """Returns features (N, width, h, w) with their positions added."""
        places: Tensor = self.places
        if places.shape[2:] != features.shape[2:]:
            size = [int(side) for side in features.shape[2:]]
            places = F.interpolate(places.float(), size, mode="bicubic", antialias=True).to(features.dtype)
        return features + places


@final
class ViTDecoder(Decoder):
    """Transformer blocks over the cells of a state. Each cell gives a patch of pixels.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

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
        """See :meth:`vaezoo.core.Decoder.forward`. A vector is treated as a grid of one cell."""
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
