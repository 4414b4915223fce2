"""Facts: what parts promise each other, known before torch is imported.

A part's configuration states its facts, such as the channels and the grid of its latents. The validator decides from
the facts of all parts whether they can work together.
"""

from __future__ import annotations

from vaezoo.core.choice import check_options, parse_choice
from vaezoo.core.facts.checks import check_at_least, check_belief, check_modulate, check_widths, likelihood_fact
from vaezoo.core.facts.config import (
    VECTORS,
    DecoderConfig,
    EncoderConfig,
    LossConfig,
    NetworkConfig,
    PartConfig,
    PriorConfig,
    accepts_keywords,
    former_facts,
)
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
    "VECTORS",
    "ConditionerFacts",
    "DecoderConfig",
    "DecoderFacts",
    "EncoderConfig",
    "EncoderFacts",
    "Grid",
    "LossConfig",
    "LossFacts",
    "NetworkConfig",
    "PartConfig",
    "PriorConfig",
    "ModelFacts",
    "PriorFacts",
    "RefineFacts",
    "accepts_keywords",
    "check_at_least",
    "check_belief",
    "check_modulate",
    "check_options",
    "check_widths",
    "checks",
    "former_facts",
    "likelihood_fact",
    "misfits",
    "parse_choice",
]
