"""Configurations and facts of the ladder's parts, without torch."""

from vaezoo.core.facts import former_facts
from vaezoo_ladder.facts.enlarge import (
    FACTORS,
    EnlargingConditionerConfig,
    EnlargingDecoderConfig,
    FoldingEncoderConfig,
)
from vaezoo_ladder.facts.generate import (
    DEPTHS,
    SIZE,
    TOP_LATENTS,
    TOP_WIDTHS,
    BottomUpEncoderConfig,
    ShuffleDecoderConfig,
    TopDownPriorConfig,
    levels,
)
from vaezoo_ladder.facts.restore import (
    BLOCKS,
    EVIDENCE,
    LATENTS,
    UNSHUFFLES,
    WIDTHS,
    LadderPriorConfig,
    PyramidConditionerConfig,
    PyramidEncoderConfig,
    ResidualDecoderConfig,
    grids,
)

__all__ = [
    "BLOCKS",
    "DEPTHS",
    "EVIDENCE",
    "FACTORS",
    "LATENTS",
    "SIZE",
    "TOP_LATENTS",
    "TOP_WIDTHS",
    "UNSHUFFLES",
    "WIDTHS",
    "BottomUpEncoderConfig",
    "EnlargingConditionerConfig",
    "EnlargingDecoderConfig",
    "FoldingEncoderConfig",
    "LadderPriorConfig",
    "PyramidConditionerConfig",
    "PyramidEncoderConfig",
    "ResidualDecoderConfig",
    "ShuffleDecoderConfig",
    "TopDownPriorConfig",
    "grids",
    "levels",
]

__getattr__ = former_facts(
    __name__,
    conditioner=PyramidConditionerConfig,
    encoder=PyramidEncoderConfig,
    prior=LadderPriorConfig,
    decoder=ResidualDecoderConfig,
    enlarging=EnlargingConditionerConfig,
    folding=FoldingEncoderConfig,
    enlarged=EnlargingDecoderConfig,
    bottom_up=BottomUpEncoderConfig,
    top_down=TopDownPriorConfig,
    shuffle=ShuffleDecoderConfig,
)
