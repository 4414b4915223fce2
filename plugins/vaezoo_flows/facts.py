"""Configurations and facts of the flow parts, without torch, with checks of their settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaezoo.core.facts import EncoderFacts, Grid, NetworkConfig, PriorConfig, former_facts
from vaezoo.errors import ConfigError, suggest

POSTERIOR_FLOWS = ("iaf", "nsf", "planar")
PRIOR_FLOWS = ("maf", "nsf")
ACTIVATIONS = ("silu", "relu", "tanh", "gelu")


def check_flow(
    flow: str, known: Sequence[str], latent_channels: int, transforms: int, widths: Sequence[int], bins: int
) -> None:
    """Checks the settings of a flow.

    Args:
        flow: Name of the flow.
        known: Names that the part accepts.
        latent_channels: Number of latent channels D in each cell.
        transforms: Number of steps.
        widths: Widths of the hidden layers of each step's network.
        bins: Number of pieces of each spline.

    Raises:
        ConfigError: The flow is unknown, it has no steps, its splines have fewer than two pieces, or a hidden layer is
            narrower than D. A narrower masked network would drop the dependence on some latents.
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
    """Raises for an unknown activation.

    Raises:
        ConfigError: The activation is unknown.
    """
    if activation not in ACTIVATIONS:
        raise ConfigError(
            f"Expected an activation, got {activation!r}.", hint=suggest(activation, ACTIVATIONS), value=activation
        )


@dataclass(frozen=True)
class FlowDenseEncoderConfig(NetworkConfig):
    """Parameters of :class:`vaezoo_flows.encoder.FlowDenseEncoder`.

    Attributes:
        image_size: (H, W), the only size that it takes.
        hidden: Widths of the hidden layers.
        flow: Flow: ``iaf`` (affine autoregressive), ``nsf`` (spline autoregressive) or ``planar``.
        transforms: Number of steps of the flow.
        flow_widths: Widths of the hidden layers of each autoregressive step, each at least D.
        flow_context: Dimensions of the vector that tells the flow about the image.
        bins: Number of pieces of each spline of ``nsf``.
        context_vector: Dimensions of the context's vector, an input beside the pixels; 0 for none.
        activation: Activation of the hidden layers: ``silu``, ``relu``, ``tanh`` or ``gelu``.

    Raises:
        ConfigError: The flow or the activation is unknown, or the settings are impossible.
    """

    image_size: tuple[int, int] = (28, 28)
    hidden: tuple[int, ...] = (512, 256)
    flow: str = "iaf"
    transforms: int = 4
    flow_widths: tuple[int, ...] = (64, 64)
    flow_context: int = 32
    bins: int = 8
    context_vector: int = 0
    activation: str = "silu"

    def __post_init__(self) -> None:
        check_activation(self.activation)
        check_flow(self.flow, POSTERIOR_FLOWS, self.latent_channels, self.transforms, self.flow_widths, self.bins)
        if self.flow_context < 1:
            raise ConfigError(
                f"Expected flow_context of at least 1, by which the flow sees the image, got {self.flow_context}.",
                value=self.flow_context,
            )

    def facts(self) -> EncoderFacts:
        """Returns the facts of the encoder."""
        size = (self.image_size[0], self.image_size[1])
        return EncoderFacts(
            "density", (Grid(self.latent_channels),), self.image_channels, size, vector=self.context_vector
        )


@dataclass(frozen=True)
class FlowPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_flows.prior.FlowPrior`.

    Attributes:
        flow: Flow: ``maf`` (affine autoregressive) or ``nsf`` (spline autoregressive).
        transforms: Number of steps of the flow.
        flow_widths: Widths of the hidden layers of each step, each at least D.
        bins: Number of pieces of each spline of ``nsf``.

    Raises:
        ConfigError: The flow is unknown, or its settings are impossible.
    """

    flow: str = "nsf"
    transforms: int = 3
    flow_widths: tuple[int, ...] = (64, 64)
    bins: int = 8

    def __post_init__(self) -> None:
        check_flow(self.flow, PRIOR_FLOWS, self.latent_channels, self.transforms, self.flow_widths, self.bins)
        if self.latent_channels < 2:
            raise ConfigError(
                f"Expected at least 2 latents for the autoregressive flow {self.flow!r}, got {self.latent_channels}.",
                hint="Use the prior 'mixture' for one latent.",
                value=self.latent_channels,
            )


__getattr__ = former_facts(__name__, encoder=FlowDenseEncoderConfig, prior=FlowPriorConfig)
