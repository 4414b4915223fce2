"""Every encoder × decoder × prior × loss × conditioner that ships works, or is refused in a sentence."""

from __future__ import annotations

from inspect import signature
from itertools import product
from typing import Any

import pytest
import torch

from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch
from vaezoo.errors import IncompatibleParts
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.registry.target import load_object
from vaezoo.testing.model import stirred
from vaezoo.zoo.create import build, build_model
from vaezoo.zoo.specs import ModelSpec, resolve

SHARED = {"image_channels": 1, "image_size": [28, 28]}
SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("encoder", "mlp"): {"latent_channels": 4, "hidden": [16]},
    ("encoder", "flow-mlp"): {"latent_channels": 4, "hidden": [16], "transforms": 1, "flow_widths": [8]},
    ("encoder", "conv"): {"latent_channels": 4, "widths": [4, 4, 4]},
    ("encoder", "resnet"): {"latent_channels": 4, "options": {"channels": [4, 4, 4, 4]}},
    ("encoder", "vit"): {"latent_channels": 4, "patch": 32, "width": 8, "blocks": 1, "heads": 2},
    ("encoder", "thumbnail"): {"latent_channels": 4, "side": 16, "hidden": 8},
    ("encoder", "pyramid"): {"evidence": [4, 4]},
    ("encoder", "folding"): {"evidence": [4, 4]},
    ("encoder", "bottom-up"): {"widths": [4, 4], "depths": [1, 1], "blocks": 1},
    ("decoder", "mlp"): {"hidden": [16], "likelihood": "gaussian"},
    ("decoder", "conv"): {"widths": [4, 4, 4], "likelihood": "gaussian"},
    ("decoder", "resnet"): {"widths": [4, 4, 4, 4, 4], "likelihood": "gaussian"},
    ("decoder", "vit"): {"patch": 32, "width": 8, "blocks": 1, "heads": 2, "likelihood": "gaussian"},
    ("decoder", "tone-curve"): {"latent_channels": 4, "knots": 4, "hidden": 8},
    ("decoder", "residual"): {"widths": [4, 4]},
    ("decoder", "enlarging"): {"widths": [4, 4]},
    ("decoder", "shuffle"): {"widths": [4, 4], "likelihood": "gaussian"},
    ("prior", "ladder"): {"widths": [4, 4], "latents": [2, 2], "evidence": [4, 4], "blocks": 1, "detail": 2},
    ("prior", "top-down"): {"widths": [4, 4], "latents": [2, 2], "depths": [1, 1]},
    ("prior", "codebooks"): {"widths": [4, 4], "depths": [1, 1], "code_channels": 2, "entries": 8},
    ("prior", "vamp"): {"components": 5},
    ("prior", "flow"): {"transforms": 1, "flow_widths": [8]},
    ("prior", "top-k"): {"kept": 2},
    ("prior", "fsq"): {"levels": [3, 3, 3, 3]},
    ("prior", "residual-fsq"): {"levels": [3, 3, 3, 3]},
    ("prior", "categorical"): {"classes": 4},
    ("prior", "gaussian-categorical"): {"classes": 2},
    ("conditioner", "pyramid"): {"widths": [4, 4], "blocks": 1},
    ("conditioner", "enlarging"): {"widths": [4, 4], "blocks": 1},
    ("conditioner", "thumbnail"): {"side": 16, "widths": [4, 4, 4], "hidden": 8},
}
BELIEFS = {
    "categorical": "categorical(classes=4)",
    "gaussian-categorical": "gaussian-categorical(classes=2)",
    "gamma": "gamma",
    "sphere": "vmf",
    "wrapped-normal": "wrapped-normal",
    **dict.fromkeys(("fsq", "residual-fsq", "product-vq", "residual-vq", "vq", "top-k"), "dirac"),
}
"""What an encoder has to give for a prior that takes no Gaussian."""
SLOTS = ("encoder", "decoder", "prior", "conditioner")
FITTED = ("autoregressive", "two-stage")
"""Priors that are fitted to a trained model; a loss without a rate does not reach all of them."""


def part(slot: str, name: str) -> dict[str, Any]:
    return {"name": name, **SMALL.get((slot, name), {})}


def names(slot: str) -> list[str]:
    """Those that ship: a stranger's settings, installed beside us, nobody here can guess."""
    return [name for name, owner, _ in current_zoo().registry.parts[slot].all() if owner.partition(":")[0] == HOUSE]


def models() -> list[tuple[str | None, ...]]:
    return list(product(names("encoder"), names("decoder"), names("prior"), [None, *names("conditioner")]))


def resolved(zoo: Zoo, parts: dict[str, str | None], encodes: str) -> ModelSpec:
    body = {slot: part(slot, name) for slot, name in parts.items() if name is not None}
    encoder = zoo.registry.parts["encoder"].get(body["encoder"]["name"])
    told = load_object(encoder.config or encoder.facts, "What is known of it")
    if parts["prior"] in BELIEFS and "belief" in signature(told).parameters:
        body["encoder"]["belief"] = BELIEFS[parts["prior"]]
    if (parts["encoder"], parts["prior"]) == ("folding", "ladder"):
        body["prior"]["unshuffle"] = 1
    zoo.registry.models.entries.clear()
    zoo.registry.add_model("trial", {**body, "encodes": encodes, "shared": SHARED})
    return resolve(zoo.registry, "trial")


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return Zoo()


@pytest.fixture(scope="module")
def working(zoo: Zoo) -> list[ModelSpec]:
    """What is not refused, where two parts meet for the first time."""
    specs, met = [], set[tuple[str, ...]]()
    for choice, encodes in product(models(), ("input", "target")):
        parts = dict(zip(SLOTS, choice, strict=True))
        if any(try_resolve(zoo, parts | {"loss": loss}, encodes) for loss in ("elbo", "reconstruction")):
            for loss in names("loss"):
                meets = meetings(encodes, {slot: name or "" for slot, name in parts.items()} | {"loss": loss})
                if not meets <= met:
                    spec = try_resolve(zoo, parts | {"loss": loss}, encodes)
                    specs += [] if spec is None else [spec]
                    met |= set() if spec is None else meets
    return specs


def try_resolve(zoo: Zoo, parts: dict[str, str | None], encodes: str) -> ModelSpec | None:
    """Returns the specification, or None where it is refused in sentences that name the parts."""
    try:
        return resolved(zoo, parts, encodes)
    except IncompatibleParts as error:
        for sentence in filter(None, str(error).split(". ")):
            named = [n for slot, n in parts.items() if n is not None and f"{slot} {n!r}" in sentence]
            lone = "without a conditioner" in sentence or "set encodes" in sentence
            assert len(named) >= (1 if lone else 2), sentence
        return None


def test_each_part_works_somewhere(working: list[ModelSpec]) -> None:
    assert len(working) > 100
    for slot in (*SLOTS, "loss"):
        assert {part_names(spec)[slot] for spec in working} - {""} == set(names(slot)), slot


def descend(model: VAE, spec: ModelSpec) -> None:
    loss, x = spec.parts["loss"], torch.rand(2, 1, 28, 28)
    assert loss is not None
    for factor in model.enlarges or (1,):
        cond = {"factor": torch.full((2,), factor)} if model.enlarges else {}
        terms = build(loss)(model, Batch(x + 0.1, x.repeat(1, 1, factor, factor), cond), 0)
        assert terms.loss.isfinite()
        terms.loss.backward()


def part_names(spec: ModelSpec) -> dict[str, str]:
    """Returns the name of the part in each slot and of the loss, empty where there is none."""
    return {slot: p.part.name if (p := spec.parts[slot]) else "" for slot in (*SLOTS, "loss")}


def meetings(encodes: str, named: dict[str, str]) -> set[tuple[str, ...]]:
    """Returns which parts meet: all pairs under the bound; under another loss each of them and it.

    Encoder, prior and what is encoded count as one, since together they are what a loss sees.
    """
    belief = (encodes, named["encoder"], named["prior"])
    others = [(slot, named[slot]) for slot in ("decoder", "conditioner")]
    met = {(named["loss"], *belief), *((named["loss"], *other) for other in others)}
    if named["loss"] == "elbo":
        met |= {(*belief, *other) for other in others} | {(*others[0], *others[1])}
    return met


def test_what_is_not_refused_works(working: list[ModelSpec]) -> None:
    """Each of them is built and trained."""
    built: dict[tuple[str, ...], VAE] = {}
    for spec in working:
        names = part_names(spec)
        chosen = (spec.encodes, *(names[slot] for slot in SLOTS))
        if chosen not in built:
            built[chosen] = build_model(spec)
            stirred(built[chosen])
        model = built[chosen]
        model.zero_grad()
        descend(model, spec)
        for name, parameter in model.named_parameters():
            where = f"{chosen} under {spec.parts['loss']}: {name}"
            if parameter.grad is None:
                facts, idle = spec.parts["loss"].facts, ["conditioner."]  # a context that no part of this choice reads
                idle += ["prior."] if names["prior"] in FITTED and not facts.needs_rate else []
                detail = name.startswith("prior.detail.")  # one loss trains nothing else, and no other trains it
                assert detail != facts.needs_detail or name.startswith(tuple(idle)), where
            else:
                assert parameter.grad.isfinite().all(), where
    for chosen, model in built.items():
        restored = model.eval().restore(torch.rand(1, 1, 28, 28))
        side = 28 * (model.enlarges or (1,))[0]
        assert restored.image.shape == (1, 1, side, side) and restored.image.isfinite().all(), chosen


def test_a_resnet_encoder_fits_a_convolutional_decoder() -> None:
    model = create("conv-beta", encoder={"name": "resnet", "options": {"channels": [8, 8, 8, 8]}})
    assert model.eval().reconstruct(torch.rand(1, 1, 37, 53)).shape == (1, 1, 37, 53)


def test_a_dense_encoder_fits_a_convolutional_decoder_of_one_cell() -> None:
    objective = create_objective("mlp-vae", decoder="conv")
    assert objective.model.size == (28, 28) and objective.model.stride == 32
    assert objective(Batch(torch.rand(2, 1, 28, 28)), 0).loss.isfinite()


@pytest.mark.parametrize(
    ("model", "params", "sentence"),
    [
        ("conv-beta", {"prior": "ladder"}, "The encoder 'conv' gives a gaussian belief, but the prior 'ladder' takes"),
        (
            "conv-beta",
            {"loss": "restoration"},
            "The loss 'restoration' takes a gaussian likelihood, but the decoder 'conv'",
        ),
        (
            "denoise",
            {"conditioner": None},
            "The decoder 'residual' needs the degraded image, but without a conditioner",
        ),
        ("mlp-vae", {"decoder": {"name": "conv", "gather": 2}}, "at stride 16"),
        (
            "conv-beta",
            {"decoder": {"name": "conv", "image_channels": 3}},
            "takes 1 image channels, but the decoder 'conv'",
        ),
        ("conv-beta", {"encoder": None}, "a model without an encoder must encode the target"),
        (
            "conv-beta",
            {"conditioner": "image", "encodes": "target"},
            "neither the prior 'normal' nor the decoder 'conv' sees the input",
        ),
    ],
)
def test_a_refusal_is_a_sentence(model: str, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(IncompatibleParts) as caught:
        create(model, **params)
    assert sentence in str(caught.value)
