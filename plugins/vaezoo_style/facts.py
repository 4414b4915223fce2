"""Configurations and facts of the parts, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import ConditionerFacts, LossConfig, check_at_least, check_widths, former_facts

_BELIEFS = frozenset({"gaussian", "density"})


@dataclass(frozen=True)
class StyleClassConditionerConfig:
    """Parameters of :class:`vaezoo_style.conditioners.StyleClassConditioner`.

    Attributes:
        styles: Number of classes.
        context_vector: Dimensions of the embedding.
    """

    styles: int = 8
    context_vector: int = 16

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(vector=self.context_vector)


@dataclass(frozen=True)
class StyleCodeConditionerConfig:
    """Parameters of :class:`vaezoo_style.conditioners.StyleCodeConditioner`.

    Attributes:
        factors: Number of components of a code.
        hidden: Width of the hidden layer.
        context_vector: Dimensions of the vector.
    """

    factors: int = 5
    hidden: int = 32
    context_vector: int = 16

    def __post_init__(self) -> None:
        check_widths("hidden", (self.hidden,))

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(vector=self.context_vector)


@dataclass(frozen=True)
class StyleReferenceConditionerConfig:
    """Parameters of :class:`vaezoo_style.conditioners.StyleReferenceConditioner`.

    Attributes:
        image_channels: Number of image channels C.
        widths: Number of channels of each layer. Every layer halves the resolution.
        context_vector: Dimensions of the vector.
    """

    image_channels: int = 1
    widths: tuple[int, ...] = (16, 32, 64)
    context_vector: int = 16

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(self.image_channels, vector=self.context_vector)


@dataclass(frozen=True)
class StyleMMDLossConfig(LossConfig, beliefs=_BELIEFS):
    """Parameters of :class:`vaezoo_style.losses.StyleMMDLoss`.

    Attributes:
        weight: Weight λ of the distance.
        beta: Weight β of the rate.
    """

    weight: float = 1000.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight, beta=self.beta)


@dataclass(frozen=True)
class StyleReversalLossConfig(LossConfig, beliefs=_BELIEFS):
    """Parameters of :class:`vaezoo_style.losses.StyleReversalLoss`.

    Attributes:
        latent_channels: Number of latent channels D. A grid of latents is averaged over its cells.
        target: Target: ``code`` (squared error of ``style_code``) or ``class`` (cross entropy of ``style_class``,
            nats).
        outputs: Number of components of a code, or of classes.
        hidden: Width of the critic's two hidden layers.
        weight: Weight of the reversed gradient. The critic itself has weight 1.
        beta: Weight β of the rate.
        warmup: Time scale in steps of the schedule: the weight rises as 2/(1 + exp(−step/warmup)) − 1.

    Raises:
        ConfigError: ``target`` is neither ``code`` nor ``class``.
    """

    latent_channels: int
    target: str = "code"
    outputs: int = 5
    hidden: int = 128
    weight: float = 30.0
    beta: float = 1.0
    warmup: int = 1000

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight, beta=self.beta, warmup=self.warmup)


@dataclass(frozen=True)
class StyleCycleLossConfig(LossConfig, beliefs=frozenset({"gaussian"})):
    """Parameters of :class:`vaezoo_style.losses.StyleCycleLoss`.

    Attributes:
        weight: Weight λ per latent.
        beta: Weight β of the rate.
    """

    weight: float = 5.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight, beta=self.beta)


__getattr__ = former_facts(
    __name__,
    style_class=StyleClassConditionerConfig,
    style_code=StyleCodeConditionerConfig,
    style_reference=StyleReferenceConditionerConfig,
    style_mmd=StyleMMDLossConfig,
    style_reversal=StyleReversalLossConfig,
    style_cycle=StyleCycleLossConfig,
)
