"""What the parts say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import ConditionerFacts, LossFacts, check_widths

_BELIEFS = frozenset({"gaussian", "density"})


def style_class(styles: int = 8, context_vector: int = 16) -> ConditionerFacts:
    """Facts of :class:`vaezoo_style.conditioners.StyleClassConditioner`."""
    return ConditionerFacts(vector=context_vector)


def style_code(factors: int = 5, hidden: int = 32, context_vector: int = 16) -> ConditionerFacts:
    """Facts of :class:`vaezoo_style.conditioners.StyleCodeConditioner`."""
    check_widths("hidden", (hidden,))
    return ConditionerFacts(vector=context_vector)


def style_reference(
    image_channels: int = 1, widths: tuple[int, ...] = (16, 32, 64), context_vector: int = 16
) -> ConditionerFacts:
    """Facts of :class:`vaezoo_style.conditioners.StyleReferenceConditioner`."""
    check_widths("widths", widths)
    return ConditionerFacts(image_channels, vector=context_vector)


def style_mmd(weight: float = 1000.0, beta: float = 1.0) -> LossFacts:
    """Facts of :class:`vaezoo_style.losses.StyleMMDLoss`."""
    return LossFacts(beliefs=_BELIEFS)


def style_reversal(
    latent_channels: int,
    target: str = "code",
    outputs: int = 5,
    hidden: int = 128,
    weight: float = 30.0,
    beta: float = 1.0,
    warmup: int = 1000,
) -> LossFacts:
    """Facts of :class:`vaezoo_style.losses.StyleReversalLoss`."""
    return LossFacts(beliefs=_BELIEFS)


def style_cycle(weight: float = 5.0, beta: float = 1.0) -> LossFacts:
    """Facts of :class:`vaezoo_style.losses.StyleCycleLoss`."""
    return LossFacts(beliefs=frozenset({"gaussian"}))
