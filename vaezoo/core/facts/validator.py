"""The validator: finds combinations of parts that cannot work. One sentence for each pair names both parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vaezoo.core.facts.facts import ConditionerFacts, ModelFacts
from vaezoo.core.likelihood.names import PSEUDO


@dataclass(frozen=True)
class Check:
    """One condition that the validator checks.

    Attributes:
        asks: The condition.
        misfits: One sentence for each pair of parts that violates it.
    """

    asks: str
    misfits: tuple[str, ...]


def misfits(model: ModelFacts) -> list[str]:
    """Lists one sentence for each pair of parts that cannot work together. Empty if all can."""
    return [sentence for check in checks(model) for sentence in check.misfits]


def checks(model: ModelFacts) -> list[Check]:
    """Returns all checks of the validator with their results."""
    name = {
        slot: f"{slot} {model.names.get(slot, slot)!r}"
        for slot in ("encoder", "prior", "decoder", "loss", "conditioner", "refine")
    }
    return [Check(asks, tuple(answer(model, name))) for asks, answer in _QUESTIONS.items()]


def _believes(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    encoder, prior = model.encoder, model.prior
    if encoder is None:
        return
    if encoder.belief not in prior.takes:
        wants = " or ".join(sorted(prior.takes))
        yield f"The {name['encoder']} gives a {encoder.belief} belief, but the {name['prior']} takes a {wants} one."
    elif encoder.grids != prior.evidence:
        gives, wants = " and ".join(map(str, encoder.grids)), " and ".join(map(str, prior.evidence))
        yield f"The {name['encoder']} gives {gives}, but the {name['prior']} takes {wants}."


def _refines(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    refine, encoder = model.refine, model.encoder
    if refine is None:
        return
    if encoder is None:
        yield f"The {name['refine']} needs a posterior, but the {name['decoder']} stands without an encoder."
        return
    if encoder.belief not in refine.takes:
        wants = " or ".join(sorted(refine.takes))
        yield f"The {name['refine']} takes a {wants} belief, but the {name['encoder']} gives a {encoder.belief} one."
    if model.prior.rates_points:
        yield f"The {name['refine']} moves latents that have a density, but the {name['prior']} makes codes of them."
    if refine.vectors and encoder.grids[-1].stride is not None:
        yield f"The {name['refine']} moves vectors only, but the {name['encoder']} gives {encoder.grids[-1]}."


def _asks(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    if not model.prior.asks_encoder:
        return
    if model.encoder is None:
        yield f"The {name['prior']} shows an encoder pictures of its own, but the {name['decoder']} stands without one."
    elif model.encoder.vector or model.encoder.needs_image:
        yield (
            f"The {name['prior']} shows the {name['encoder']} pictures of its own, which have no vector and no "
            f"degraded image for it to read."
        )


def _pictures(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    encoder, decoder, conditioner = model.encoder, model.decoder, model.conditioner
    if encoder is not None and encoder.image_channels != decoder.image_channels:
        yield (
            f"The {name['encoder']} takes {encoder.image_channels} image channels, but the {name['decoder']} "
            f"gives {decoder.image_channels}."
        )
    if encoder is not None and encoder.size and decoder.size and encoder.size != decoder.size:
        yield f"The {name['encoder']} takes {encoder.size}, but the {name['decoder']} gives {decoder.size}."
    if conditioner and conditioner.image_channels not in (None, decoder.image_channels):
        yield (
            f"The {name['conditioner']} takes {conditioner.image_channels} image channels, but the {name['decoder']} "
            f"gives {decoder.image_channels}."
        )


def _decodes(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    if model.encoder is None and model.encodes == "input":
        yield f"The {name['decoder']} has nothing to decode: a model without an encoder must encode the target."


def _state_fits(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    """Checks the decoder's state. A vector equals a grid of one cell, so dense and convolutional parts can be mixed."""
    state, decoder = model.prior.state, model.decoder
    if state == decoder.state:
        return
    size = decoder.size or (model.encoder.size if model.encoder else None)
    strides = [s for s in (state.stride, decoder.state.stride) if s is not None]
    one_cell = size is not None and len(strides) == 1 and strides[0] >= max(size)
    if state.channels != decoder.state.channels or not one_cell:
        yield f"The {name['prior']} gives {state}, but the {name['decoder']} takes {decoder.state}."


def _context_fits(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    conditioner = model.conditioner or ConditionerFacts()
    gives = f"the {name['conditioner']} gives" if model.conditioner else "without a conditioner there is"
    if model.prior.features and model.prior.features != conditioner.features:
        wants = " and ".join(map(str, model.prior.features))
        has = " and ".join(map(str, conditioner.features)) or "none"
        yield f"The {name['prior']} needs features of {wants}, but {gives} {has}."
    for slot, part in (("encoder", model.encoder), ("decoder", model.decoder)):
        if part is not None and part.needs_image and not conditioner.gives_image:
            yield f"The {name[slot]} needs the degraded image, but {gives} none."
    readers = (("encoder", model.encoder), ("prior", model.prior), ("decoder", model.decoder))
    if conditioner.vector and not any(reader is not None and reader.vector for _, reader in readers):
        others = f"neither the {name['prior']} nor the {name['decoder']}" + (
            f" nor the {name['encoder']}" if model.encoder else ""
        )
        yield f"The {name['conditioner']} gives a vector of {conditioner.vector}, but {others} reads it."
    for slot, reader in readers:
        if reader is not None and reader.vector and reader.vector != conditioner.vector:
            yield f"The {name[slot]} reads a vector of {reader.vector}, but {gives} {conditioner.vector or 'none'}."


def _enlarges(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    def said(factors: tuple[int, ...]) -> str:
        return f"by {', '.join(map(str, factors))}" if factors else "by nothing"

    wanted = model.conditioner.enlarges if model.conditioner else ()
    told = f"the {name['conditioner']} asks for it" if model.conditioner else "without a conditioner it is asked for"
    for slot, part in (("encoder", model.encoder), ("decoder", model.decoder)):
        if part is not None and part.enlarges != wanted:
            yield f"The {name[slot]} enlarges {said(part.enlarges)}, but {told} {said(wanted)}."
    if wanted and model.encoder is not None and model.encodes == "input":
        yield (
            f"The {name['conditioner']} asks for a larger target, but the {name['encoder']} encodes the input: "
            f"set encodes to target."
        )


def _sees_the_input(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    if model.encodes == "target" and not (model.prior.features or model.decoder.needs_image):
        yield f"The model encodes the target, but neither the {name['prior']} nor the {name['decoder']} sees the input."


def _loss_fits(model: ModelFacts, name: dict[str, str]) -> Iterator[str]:
    loss = model.loss
    if loss is None:
        return
    if loss.likelihoods and model.decoder.likelihood not in loss.likelihoods:
        wants = " or ".join(sorted(loss.likelihoods))
        gives = model.decoder.likelihood
        yield f"The {name['loss']} takes a {wants} likelihood, but the {name['decoder']} gives a {gives} one."
    if loss.needs_density and model.decoder.likelihood in PSEUDO:
        yield (
            f"The {name['loss']} weighs by a density of x, but the {name['decoder']} gives a "
            f"{model.decoder.likelihood} likelihood, which is none."
        )
    if (loss.needs_rate or loss.beliefs) and model.encoder is None:
        yield f"The {name['loss']} needs a posterior, but the {name['decoder']} stands without an encoder."
    if (
        loss.needs_rate
        and model.encoder is not None
        and model.encoder.belief == "dirac"
        and not model.prior.rates_points
    ):
        yield f"The {name['loss']} needs a rate, but the {name['encoder']} is deterministic and has none."
    elif loss.beliefs and model.encoder is not None and model.refine and "density" not in loss.beliefs:
        wants = " or ".join(sorted(loss.beliefs))
        yield f"The {name['loss']} takes a {wants} belief, but the {name['refine']} makes a density of it."
    elif loss.beliefs and model.encoder is not None and model.encoder.belief.partition("(")[0] not in loss.beliefs:
        wants, gives = " or ".join(sorted(loss.beliefs)), model.encoder.belief
        yield f"The {name['loss']} takes a {wants} belief, but the {name['encoder']} gives a {gives} one."
    if loss.needs_detail and not model.prior.detail:
        yield (
            f"The {name['loss']} trains a branch of detail, but the {name['prior']} has none: "
            f"set its detail to some channels."
        )
    if loss.conditional and model.encodes != "target":
        yield (
            f"The {name['loss']} restores along the prior, but the {name['encoder']} encodes the input: "
            f"set encodes to target."
        )


_QUESTIONS: dict[str, Callable[[ModelFacts, dict[str, str]], Iterator[str]]] = {
    "the prior infers from the encoder's belief": _believes,
    "the encoder can look at the prior's own pictures": _asks,
    "the refinement can begin at the encoder's belief": _refines,
    "all parts agree on image channels and size": _pictures,
    "there is something to decode": _decodes,
    "the decoder takes the prior's state": _state_fits,
    "the context holds what the parts read": _context_fits,
    "all parts enlarge by the same factors": _enlarges,
    "the input is seen where the target is encoded": _sees_the_input,
    "the loss finds what it needs": _loss_fits,
}
