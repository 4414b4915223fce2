"""What the flow parts say of themselves, without torch, and which settings they refuse."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.core.facts import EncoderFacts, Grid, PriorFacts
from vaezoo.errors import ConfigError, suggest

POSTERIOR_FLOWS = ("iaf", "nsf", "planar")
PRIOR_FLOWS = ("maf", "nsf")
ACTIVATIONS = ("silu", "relu", "tanh", "gelu")


def check_flow(
    flow: str, known: Sequence[str], latent_channels: int, transforms: int, widths: Sequence[int], bins: int
) -> None:
    """Refuses a flow that does not exist, or would do less than its settings say.

    Args:
        flow: Its name.
        known: The names that the part takes.
        latent_channels: D.
        transforms: Steps.
        widths: Of the hidden layers of each step's network.
        bins: Pieces of each spline.

    Raises:
        ConfigError: The flow is unknown, it has no step, its splines have fewer than two pieces, or a hidden layer
            is narrower than D: a masked network would then leave latents without the ones before them.
    """
    if flow not in known:
        raise ConfigError(f"Expected a flow, got {flow!r}.", hint=suggest(flow, known), value=flow)
    if transforms < 1 or bins < 2:
        raise ConfigError(
            f"Expected transforms >= 1 and bins >= 2, got {transforms} and {bins}.", value=(transforms, bins)
        )
    if flow != "planar" and (not widths or min(widths) < latent_channels):
        raise ConfigError(
            f"Expected hidden layers at least as wide as the {latent_channels} latents for the flow {flow!r}, got "
            f"{tuple(widths)}: a narrower masked layer drops the dependence on some latents.",
            hint="Widen flow_widths.",
            value=tuple(widths),
        )


def check_activation(activation: str) -> None:
    """Refuses units that are unknown.

    Raises:
        ConfigError: They are.
    """
    if activation not in ACTIVATIONS:
        raise ConfigError(
            f"Expected an activation, got {activation!r}.", hint=suggest(activation, ACTIVATIONS), value=activation
        )


def encoder(
    latent_channels: int,
    image_channels: int = 1,
    image_size: tuple[int, int] = (28, 28),
    hidden: tuple[int, ...] = (512, 256),
    flow: str = "iaf",
    transforms: int = 4,
    flow_widths: tuple[int, ...] = (64, 64),
    flow_context: int = 32,
    bins: int = 8,
    context_vector: int = 0,
    activation: str = "silu",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_flows.encoder.FlowDenseEncoder`.

    Raises:
        ConfigError: See :func:`check_flow` and :func:`check_activation`; or the flow's context is empty.
    """
    check_activation(activation)
    check_flow(flow, POSTERIOR_FLOWS, latent_channels, transforms, flow_widths, bins)
    if flow_context < 1:
        raise ConfigError(
            f"Expected flow_context of at least 1, by which the flow sees the image, got {flow_context}.",
            value=flow_context,
        )
    size = (image_size[0], image_size[1])
    return EncoderFacts("density", (Grid(latent_channels),), image_channels, size, vector=context_vector)


def prior(
    latent_channels: int,
    latent_stride: int | None = None,
    flow: str = "nsf",
    transforms: int = 3,
    flow_widths: tuple[int, ...] = (64, 64),
    bins: int = 8,
) -> PriorFacts:
    """Facts of :class:`vaezoo_flows.prior.FlowPrior`.

    Raises:
        ConfigError: See :func:`check_flow`; or there is one latent, which an autoregressive flow cannot condition.
    """
    check_flow(flow, PRIOR_FLOWS, latent_channels, transforms, flow_widths, bins)
    if latent_channels < 2:
        raise ConfigError(
            f"Expected at least 2 latents for the autoregressive flow {flow!r}, got {latent_channels}.",
            hint="Use the prior 'mixture' for one latent.",
            value=latent_channels,
        )
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gaussian", "density", "dirac"}), (grid,), grid)
