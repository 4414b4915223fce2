"""What parts say of themselves before torch is imported, and whether they fit together."""

from __future__ import annotations

from vaezoo.core.facts.checks import check_belief, check_modulate, check_widths, likelihood_fact
from vaezoo.core.facts.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    LossFacts,
    ModelFacts,
    PriorFacts,
    RefineFacts,
)
from vaezoo.core.facts.validator import Check, checks, misfits

__all__ = [
    "Check",
    "ConditionerFacts",
    "DecoderFacts",
    "EncoderFacts",
    "Grid",
    "LossFacts",
    "ModelFacts",
    "PriorFacts",
    "RefineFacts",
    "check_belief",
    "check_modulate",
    "check_widths",
    "checks",
    "likelihood_fact",
    "misfits",
]
