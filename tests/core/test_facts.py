"""Facts: grids, and the sentences that refuse a combination."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vaezoo.core import LikelihoodHead
from vaezoo.core.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    LossConfig,
    LossFacts,
    ModelFacts,
    PriorFacts,
    misfits,
)
from vaezoo.core.likelihood.names import KINDS, PSEUDO
from vaezoo.core.likelihood.perceptual import Perceptual
from vaezoo.errors import ConfigError

VECTOR, CELL = Grid(4), Grid(4, 32)
ENCODER = EncoderFacts("gaussian", (VECTOR,), 1, (28, 28))
PRIOR = PriorFacts(frozenset({"gaussian", "dirac"}), (VECTOR,), VECTOR)
DECODER = DecoderFacts(VECTOR, "bernoulli", 1, (28, 28))
NAMES = {slot: f"a-{slot}" for slot in ("encoder", "prior", "decoder", "loss", "conditioner")}
FITS = ModelFacts(ENCODER, PRIOR, DECODER, LossFacts(), names=NAMES)


def test_what_fits() -> None:
    assert misfits(FITS) == []
    assert misfits(replace(FITS, decoder=replace(DECODER, state=CELL, size=None))) == []
    told = replace(FITS, prior=replace(PRIOR, vector=8), conditioner=ConditionerFacts(vector=8))
    assert misfits(told) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"encoder": replace(ENCODER, image_channels=3)},
            "The encoder 'a-encoder' takes 3 image channels, but the decoder",
        ),
        ({"encoder": replace(ENCODER, size=(32, 32))}, "takes (32, 32), but the decoder 'a-decoder' gives (28, 28)"),
        (
            {"encoder": replace(ENCODER, belief="pyramid")},
            "gives a pyramid belief, but the prior 'a-prior' takes a dirac or",
        ),
        (
            {"encoder": replace(ENCODER, grids=(CELL,))},
            "gives 4 channels at stride 32, but the prior 'a-prior' takes 4",
        ),
        (
            {"encoder": replace(ENCODER, vector=8)},
            "The encoder 'a-encoder' reads a vector of 8, but without a conditioner",
        ),
        ({"encoder": None}, "a model without an encoder must encode the target"),
        ({"encoder": replace(ENCODER, belief="dirac")}, "needs a rate, but the encoder 'a-encoder' is deterministic"),
        (
            {"decoder": replace(DECODER, state=Grid(5))},
            "gives 4 channels as a vector, but the decoder 'a-decoder' takes 5",
        ),
        ({"decoder": replace(DECODER, state=Grid(4, 16))}, "but the decoder 'a-decoder' takes 4 channels at stride 16"),
        (
            {"decoder": replace(DECODER, needs_image=True)},
            "needs the degraded image, but without a conditioner there is none",
        ),
        (
            {"decoder": replace(DECODER, vector=8), "conditioner": ConditionerFacts(vector=4)},
            "reads a vector of 8, but the conditioner 'a-conditioner' gives 4",
        ),
        (
            {"prior": replace(PRIOR, vector=8)},
            "The prior 'a-prior' reads a vector of 8, but without a conditioner there is none",
        ),
        (
            {"prior": replace(PRIOR, vector=8), "conditioner": ConditionerFacts(vector=4)},
            "The prior 'a-prior' reads a vector of 8, but the conditioner 'a-conditioner' gives 4",
        ),
        (
            {"conditioner": ConditionerFacts(image_channels=3)},
            "The conditioner 'a-conditioner' takes 3 image channels, but the decoder 'a-decoder' gives 1",
        ),
        (
            {"prior": replace(PRIOR, features=(CELL,))},
            "needs features of 4 channels at stride 32, but without a conditioner",
        ),
        ({"encodes": "target"}, "neither the prior 'a-prior' nor the decoder 'a-decoder' sees the input"),
        (
            {"loss": LossFacts(frozenset({"gaussian"}))},
            "takes a gaussian likelihood, but the decoder 'a-decoder' gives a b",
        ),
        (
            {"conditioner": ConditionerFacts(vector=4)},
            "The conditioner 'a-conditioner' gives a vector of 4, but neither the prior 'a-prior' nor the decoder 'a-d",
        ),
        (
            {"decoder": replace(DECODER, likelihood="ms-ssim"), "loss": LossFacts(needs_density=True)},
            "weighs by a density of x, but the decoder 'a-decoder' gives a ms-ssim likelihood, which is none",
        ),
        ({"loss": LossFacts(conditional=True)}, "encodes the input: set encodes to target"),
        ({"loss": LossFacts(needs_detail=True)}, "trains a branch of detail, but the prior 'a-prior' has none: set"),
        (
            {"encoder": None, "encodes": "target"},
            "needs a posterior, but the decoder 'a-decoder' stands without an encoder",
        ),
    ],
)
def test_what_does_not(change: dict[str, object], sentence: str) -> None:
    assert any(sentence in found for found in misfits(replace(FITS, **change)))  # type: ignore[arg-type]


def test_the_kinds_that_are_no_density_say_so_themselves() -> None:
    heads = {name: LikelihoodHead(name, 3).form.gives for name in set(KINDS) - {"perceptual", "optimal-gaussian"}}
    gives = {**heads, "perceptual": Perceptual, "optimal-gaussian": LikelihoodHead("gaussian", 3, "optimal").form.gives}
    assert {name for name, likelihood in gives.items() if not likelihood.normalised} == PSEUDO


@pytest.mark.parametrize(("channels", "stride"), [(0, None), (4, 0), (-1, 2)])
def test_a_grid_of_nothing(channels: int, stride: int | None) -> None:
    with pytest.raises(ConfigError, match="at least one channel and a stride of at least 1"):
        Grid(channels, stride)


def test_a_loss_states_once_how_its_facts_differ() -> None:
    class Points(LossConfig, needs_rate=False, beliefs=frozenset({"dirac"})):
        """A loss on points."""

    class DensePoints(Points, needs_density=True):
        """And on densities of x."""

    assert LossConfig().facts() == LossFacts()
    assert Points().facts() == LossFacts(needs_rate=False, beliefs=frozenset({"dirac"}))
    assert DensePoints().facts() == LossFacts(needs_rate=False, beliefs=frozenset({"dirac"}), needs_density=True)
    with pytest.raises(TypeError, match="need_rate"):
        type("Wrong", (LossConfig,), {}, need_rate=False)
