"""Configurations and facts of the parts, without torch or diffusers, with checks of their settings."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.core.facts import DecoderFacts, EncoderFacts, Grid, likelihood_fact
from vaezoo.errors import ConfigError, suggest

ACTIVATIONS = ("gelu", "mish", "relu", "silu", "swish")
UPSAMPLING = ("bicubic", "bilinear", "nearest", "nearest-exact")
LIKELIHOODS = ("gaussian", "laplace")
BLOCKS = {
    "Down": ("AttnDownEncoderBlock2D", "DownEncoderBlock2D"),
    "Up": ("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
}
"""Kinds of block, by direction: with attention at this scale, and without."""


def check_kl(
    way: str,
    types: Sequence[str],
    widths: Sequence[int],
    layers: int,
    groups: int,
    act_fn: str,
    scaling: float,
) -> tuple[str, ...]:
    """Checks the settings of an AutoencoderKL.

    Args:
        way: Direction, ``Down`` or ``Up``.
        types: Kind of each scale's blocks, or empty.
        widths: Number of channels of each scale.
        layers: Number of blocks per scale.
        groups: Number of groups of each normalisation.
        act_fn: Name of the activation.
        scaling: Scaling factor of the latents.

    Returns:
        Kind of each scale's blocks.

    Raises:
        ConfigError: A setting is impossible.
    """
    known = BLOCKS[way]
    for kind in types:
        if kind not in known:
            raise ConfigError(f"Expected a kind of block, got {kind!r}.", hint=suggest(kind, known), value=kind)
    if types and len(types) != len(widths):
        raise ConfigError(f"Expected a kind of block for each of {len(widths)} scales, got {len(types)}.", value=types)
    if not widths or layers < 1 or groups < 1:
        raise ConfigError(
            f"Expected at least one width, one layer a block and one group, got {tuple(widths)}, {layers} and "
            f"{groups}.",
            value=(tuple(widths), layers, groups),
        )
    if uneven := [width for width in widths if width < 1 or width % groups]:
        raise ConfigError(
            f"Expected widths that {groups} groups divide, got {uneven[0]}.",
            hint="Set norm_num_groups or block_out_channels.",
            value=uneven[0],
        )
    _check_shared(act_fn, scaling)
    return tuple(types) or (known[1],) * len(widths)


def check_tiny(
    side: str, widths: Sequence[int], blocks: Sequence[int], act_fn: str, scaling: float, upsample_fn: str = "nearest"
) -> None:
    """Checks the settings of an AutoencoderTiny.

    Args:
        side: Side of the autoencoder, ``encoder`` or ``decoder``.
        widths: Number of channels of each scale.
        blocks: Number of blocks of each scale.
        act_fn: Name of the activation.
        scaling: Scaling factor of the latents.
        upsample_fn: Method of upsampling between scales in the decoder.

    Raises:
        ConfigError: A setting is impossible.
    """
    if not blocks or len(widths) != len(blocks) or min(blocks) < 0 or min(widths) < 1 or len(set(widths)) > 1:
        raise ConfigError(
            f"Expected one width for all scales, and a number of blocks for each, got {tuple(widths)} and "
            f"{tuple(blocks)}.",
            hint=f"Set {side}_block_out_channels and num_{side}_blocks.",
            value=(tuple(widths), tuple(blocks)),
        )
    if upsample_fn not in UPSAMPLING:
        raise ConfigError(
            f"Expected an upsample_fn, got {upsample_fn!r}.", hint=suggest(upsample_fn, UPSAMPLING), value=upsample_fn
        )
    _check_shared(act_fn, scaling)


def check_head(likelihood: str, scale: float | str) -> None:
    """Raises for a likelihood that the network has no output for.

    Raises:
        ConfigError: The likelihood is neither ``gaussian`` nor ``laplace``, or the network would have to predict its
            scale.
    """
    if likelihood not in LIKELIHOODS:
        raise ConfigError(
            f"Expected a likelihood, got {likelihood!r}.", hint=suggest(likelihood, LIKELIHOODS), value=likelihood
        )
    if scale == "pixel":
        raise ConfigError(
            "Expected a scale that these networks can have, got 'pixel': they give an image and nothing else.",
            hint="Set scale to a number, learned or optimal.",
            value=scale,
        )


def _check_shared(act_fn: str, scaling: float) -> None:
    if act_fn not in ACTIVATIONS:
        raise ConfigError(f"Expected an act_fn, got {act_fn!r}.", hint=suggest(act_fn, ACTIVATIONS), value=act_fn)
    if not scaling > 0:
        raise ConfigError(f"Expected a scaling_factor above 0, got {scaling}.", value=scaling)


def kl_encoder(
    latent_channels: int,
    image_channels: int = 3,
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512),
    layers_per_block: int = 2,
    norm_num_groups: int = 32,
    act_fn: str = "silu",
    down_block_types: tuple[str, ...] = (),
    mid_block_add_attention: bool = True,
    use_quant_conv: bool = True,
    scaling_factor: float = 0.18215,
    shift_factor: float = 0.0,
) -> EncoderFacts:
    """Facts of :class:`vaezoo_diffusers.kl.KLEncoder`.

    Raises:
        ConfigError: A setting is impossible; see :func:`check_kl`.
    """
    check_kl("Down", down_block_types, block_out_channels, layers_per_block, norm_num_groups, act_fn, scaling_factor)
    return EncoderFacts("gaussian", (Grid(latent_channels, 2 ** (len(block_out_channels) - 1)),), image_channels)


def kl_decoder(
    latent_channels: int,
    image_channels: int = 3,
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512),
    layers_per_block: int = 2,
    norm_num_groups: int = 32,
    act_fn: str = "silu",
    up_block_types: tuple[str, ...] = (),
    mid_block_add_attention: bool = True,
    use_post_quant_conv: bool = True,
    scaling_factor: float = 0.18215,
    shift_factor: float = 0.0,
    likelihood: str = "gaussian",
    scale: float | str = 0.1,
) -> DecoderFacts:
    """Facts of :class:`vaezoo_diffusers.kl.KLDecoder`.

    Raises:
        ConfigError: A setting is impossible; see :func:`check_kl` and :func:`check_head`.
    """
    check_kl("Up", up_block_types, block_out_channels, layers_per_block, norm_num_groups, act_fn, scaling_factor)
    check_head(likelihood, scale)
    grid = Grid(latent_channels, 2 ** (len(block_out_channels) - 1))
    return DecoderFacts(grid, likelihood_fact(likelihood, scale), image_channels)


def tiny_encoder(
    latent_channels: int,
    image_channels: int = 3,
    encoder_block_out_channels: tuple[int, ...] = (64, 64, 64, 64),
    num_encoder_blocks: tuple[int, ...] = (1, 3, 3, 3),
    act_fn: str = "relu",
    scaling_factor: float = 1.0,
    shift_factor: float = 0.0,
) -> EncoderFacts:
    """Facts of :class:`vaezoo_diffusers.tiny.TinyEncoder`.

    Raises:
        ConfigError: A setting is impossible; see :func:`check_tiny`.
    """
    check_tiny("encoder", encoder_block_out_channels, num_encoder_blocks, act_fn, scaling_factor)
    return EncoderFacts("dirac", (Grid(latent_channels, 2 ** (len(num_encoder_blocks) - 1)),), image_channels)


def tiny_decoder(
    latent_channels: int,
    image_channels: int = 3,
    decoder_block_out_channels: tuple[int, ...] = (64, 64, 64, 64),
    num_decoder_blocks: tuple[int, ...] = (3, 3, 3, 1),
    act_fn: str = "relu",
    upsampling_scaling_factor: int = 2,
    upsample_fn: str = "nearest",
    scaling_factor: float = 1.0,
    shift_factor: float = 0.0,
    likelihood: str = "gaussian",
    scale: float | str = 0.1,
) -> DecoderFacts:
    """Facts of :class:`vaezoo_diffusers.tiny.TinyDecoder`.

    Raises:
        ConfigError: A setting is impossible; see :func:`check_tiny` and :func:`check_head`.
    """
    check_tiny("decoder", decoder_block_out_channels, num_decoder_blocks, act_fn, scaling_factor, upsample_fn)
    check_head(likelihood, scale)
    grid = Grid(latent_channels, upsampling_scaling_factor ** (len(num_decoder_blocks) - 1))
    return DecoderFacts(grid, likelihood_fact(likelihood, scale), image_channels)
