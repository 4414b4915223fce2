"""AutoencoderKL of diffusers, as an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from torch import Tensor, nn
from vaezoo.core import Context, Decoder, DiagonalGaussian, Encoder, Likelihood, LikelihoodHead

from .backend import import_blocks
from .facts import check_head, check_kl
from .units import LatentUnit, from_signed, to_signed

LOGVAR = (-30.0, 20.0)
"""Bounds to which diffusers clips the raw log σ²."""


@final
class KLEncoder(Encoder):
    """Residual convolutions to a Gaussian, with self-attention at the coarsest scale.

    GroupNorm and attention see the whole image, so the belief about a tile differs from that part of the belief about
    the image. The raw log σ² is clipped to −30 and 20, as in diffusers. The parts of vaezoo bound theirs softly to
    (−14, 8), which would change a trained belief.

    Args:
        latent_channels: Number of latent channels D.
        image_channels: Number of image channels C.
        block_out_channels: Channels of each scale, fine to coarse. A latent cell has a side of 2^(scales − 1) pixels.
        layers_per_block: Number of residual blocks per scale.
        norm_num_groups: Number of groups of each normalisation. It must divide all widths.
        act_fn: Name of the activation.
        down_block_types: Kind of each scale's blocks, as diffusers names them. Empty for blocks without attention.
        mid_block_add_attention: Whether there is attention at the coarsest scale.
        use_quant_conv: Whether a 1×1 convolution follows.
        scaling_factor: Scaling factor of the latents; see :mod:`vaezoo_diffusers.units`.
        shift_factor: Shift of the latents; see :mod:`vaezoo_diffusers.units`.

    Raises:
        ConfigError: A setting is impossible.
        BackendUnavailable: diffusers cannot be imported.

    Source: High-Resolution Image Synthesis with Latent Diffusion Models (Rombach et al., 2022), appendix G,
    arXiv:2112.10752.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 3,
        block_out_channels: Sequence[int] = (128, 256, 512, 512),
        layers_per_block: int = 2,
        norm_num_groups: int = 32,
        act_fn: str = "silu",
        down_block_types: Sequence[str] = (),
        mid_block_add_attention: bool = True,
        use_quant_conv: bool = True,
        scaling_factor: float = 0.18215,
        shift_factor: float = 0.0,
    ) -> None:
        super().__init__()
        kinds = check_kl(
            "Down", down_block_types, block_out_channels, layers_per_block, norm_num_groups, act_fn, scaling_factor
        )
        self.channels, self.stride = image_channels, 2 ** (len(block_out_channels) - 1)
        self.unit = LatentUnit(scaling_factor, shift_factor)
        self.network = import_blocks().Encoder(
            in_channels=image_channels,
            out_channels=latent_channels,
            down_block_types=kinds,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups,
            act_fn=act_fn,
            mid_block_add_attention=mid_block_add_attention,
        )
        self.quant_conv = nn.Conv2d(2 * latent_channels, 2 * latent_channels, 1) if use_quant_conv else None

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        features = self.network(to_signed(image))
        if self.quant_conv is not None:
            features = self.quant_conv(features)
        mean, logvar = features.chunk(2, 1)
        return DiagonalGaussian(self.unit.from_raw(mean), self.unit.logvar_from_raw(logvar.clamp(*LOGVAR)))


@final
class KLDecoder(Decoder):
    """The mirror of :class:`KLEncoder`: attention at the coarsest scale, then residual convolutions to pixels.

    Args:
        latent_channels: Number of latent channels D.
        image_channels: Number of image channels C.
        block_out_channels: Channels of each scale, as for the encoder. They are used in reverse order.
        layers_per_block: Number of residual blocks per scale, minus one.
        norm_num_groups: Number of groups of each normalisation. It must divide all widths.
        act_fn: Name of the activation.
        up_block_types: Kind of each scale's blocks, coarse to fine. Empty for blocks without attention.
        mid_block_add_attention: Whether there is attention at the coarsest scale.
        use_post_quant_conv: Whether a 1×1 convolution comes first.
        scaling_factor: Scaling factor of the latents, as for the encoder.
        shift_factor: Shift of the latents, as for the encoder.
        likelihood: Likelihood, ``gaussian`` or ``laplace``.
        scale: Standard deviation of a pixel in [0, 1]: a number, ``learned`` (a further parameter, which no file of
            diffusers has) or, for a Gaussian, ``optimal``.

    Raises:
        ConfigError: A setting is impossible.
        BackendUnavailable: diffusers cannot be imported.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 3,
        block_out_channels: Sequence[int] = (128, 256, 512, 512),
        layers_per_block: int = 2,
        norm_num_groups: int = 32,
        act_fn: str = "silu",
        up_block_types: Sequence[str] = (),
        mid_block_add_attention: bool = True,
        use_post_quant_conv: bool = True,
        scaling_factor: float = 0.18215,
        shift_factor: float = 0.0,
        likelihood: str = "gaussian",
        scale: float | str = 0.1,
    ) -> None:
        super().__init__()
        kinds = check_kl(
            "Up", up_block_types, block_out_channels, layers_per_block, norm_num_groups, act_fn, scaling_factor
        )
        check_head(likelihood, scale)
        self.channels, self.stride = image_channels, 2 ** (len(block_out_channels) - 1)
        self.unit = LatentUnit(scaling_factor, shift_factor)
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.post_quant_conv = nn.Conv2d(latent_channels, latent_channels, 1) if use_post_quant_conv else None
        self.network = import_blocks().Decoder(
            in_channels=latent_channels,
            out_channels=image_channels,
            up_block_types=kinds,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups,
            act_fn=act_fn,
            mid_block_add_attention=mid_block_add_attention,
        )

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        raw = self.unit.to_raw(state)
        if self.post_quant_conv is not None:
            raw = self.post_quant_conv(raw)
        likelihood: Likelihood = self.head(from_signed(self.network(raw)))
        return likelihood
