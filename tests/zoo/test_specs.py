"""Names and overrides: what is understood, and how what is not is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

import vaezoo
from vaezoo.core import VAE
from vaezoo.errors import BackendUnavailable, ConfigError, IncompatibleParts, UnknownName, VaezooError
from vaezoo.registry.registry import Registry
from vaezoo.registry.typed import _typed_anew, typed
from vaezoo.zoo.specs import resolve


def test_the_shelf() -> None:
    assert {"mlp-seed", "conv-beta", "denoise"} <= set(vaezoo.list_models())
    assert vaezoo.list_models("conv-*") == ["conv-beta", "conv-cvae", "conv-style"]
    assert "denoise" in vaezoo.list_models(task="denoise") and "mlp-seed" not in vaezoo.list_models(task="denoise")
    assert vaezoo.model_info("vaezoo/conv-beta")["name"] == "conv-beta"


def test_the_articles_network() -> None:
    shapes = [tuple(p.shape) for p in vaezoo.create("mlp-seed").parameters() if p.dim() == 2]
    assert shapes == [(128, 784), (64, 128), (4, 64), (256, 2), (128, 256), (784, 128)]


@pytest.mark.parametrize(
    ("overrides", "params", "value", "origin"),
    [
        ((), {}, 16, "vaezoo (registry.yaml:"),
        (["latent_channels=8"], {}, 8, "override"),
        ({"shared.latent_channels": 8}, {}, 8, "override"),
        ("encoder.latent_channels=8", {}, 8, "override"),
        ((), {"latent_channels": 8}, 8, "argument"),
        (["latent_channels=4"], {"latent_channels": 8}, 8, "argument"),
        ((), {"encoder": {"latent_channels": 8}}, 8, "argument"),
    ],
)
def test_a_value_knows_its_origin(overrides: Any, params: dict[str, Any], value: int, origin: str) -> None:
    tree = vaezoo.explain("mlp-vae", overrides=overrides, **params)
    found = tree["encoder"]["params"]["latent_channels"]
    assert found["value"] == value and found["origin"].startswith(origin)
    assert tree["decoder"]["params"]["latent_channels"]["value"] == value
    told = tree["encoder"]["params"]["activation"]
    assert (told["value"], told["origin"]) == ("silu", "default") and "gelu" in told["help"]


def test_an_argument_beats_what_the_model_says_of_a_part() -> None:
    tree = vaezoo.explain("conv-beta", widths=[8, 8, 8])
    for slot in ("encoder", "decoder"):
        told = tree[slot]["params"]["widths"]
        assert (told["value"], told["origin"]) == ((8, 8, 8), "argument")
    tree = vaezoo.explain("conv-beta", overrides=["widths=[8,8,8]", "encoder.widths=[4,4,4]"])
    assert tree["encoder"]["params"]["widths"]["value"] == (4, 4, 4)


def test_another_part_leaves_the_parameters_of_the_first() -> None:
    tree = vaezoo.explain("conv-beta", overrides=["loss.name=elbo", "loss.free_nats=2"])
    assert tree["loss"]["params"]["free_nats"]["value"] == 2.0 and "beta" in tree["loss"]["params"]
    assert vaezoo.explain("conv-beta", loss="elbo")["loss"]["params"]["beta"]["origin"] == "default"


def test_what_only_a_replaced_part_shared_goes_with_it() -> None:
    assert vaezoo.create("vit-vae", encoder="conv", decoder="conv").sample(1).shape == (1, 1, 28, 28)
    with pytest.raises(ConfigError, match="No part of 'vit-vae' takes the shared setting 'blocks'"):
        vaezoo.create("vit-vae", encoder="conv", decoder="conv", blocks=2)


def test_the_explained_python_builds_the_same_model() -> None:
    scope: dict[str, Any] = {}
    exec(vaezoo.explain("conv-cvae")["python"], scope)
    model, made = scope["model"], vaezoo.create("conv-cvae")
    assert isinstance(model, VAE) and model.default_size == made.default_size == (28, 28)
    assert {n: p.shape for n, p in model.named_parameters()} == {n: p.shape for n, p in made.named_parameters()}


@pytest.mark.parametrize(
    ("name", "kwargs", "kind", "message"),
    [
        ("conv-bta", {}, UnknownName, "Expected a known model, got 'conv-bta'. Did you mean 'conv-beta'"),
        ("conv-beta", {"encoder": "convv"}, UnknownName, "Expected a known encoder, got 'convv'. Did you mean 'conv'?"),
        (
            "conv-beta",
            {"latent_chanels": 8},
            ConfigError,
            "has no setting 'latent_chanels'. Did you mean 'latent_channels'",
        ),
        (
            "conv-beta",
            {"overrides": ["los.beta=2"]},
            ConfigError,
            "has no setting 'los.beta'. Did you mean 'loss.beta'",
        ),
        (
            "conv-beta",
            {"overrides": ["loss.bta=2"]},
            ConfigError,
            "The loss 'beta' has no parameter 'bta'. Did you mean 'beta'",
        ),
        (
            "conv-beta",
            {"overrides": ["loss.beta=much"]},
            ConfigError,
            "The loss 'beta', beta: expected float, got 'much'",
        ),
        ("conv-beta", {"overrides": ["loss.beta"]}, ConfigError, "Expected an override as key=value, got 'loss.beta'"),
        ("conv-beta", {"overrides": ["encoder={"]}, ConfigError, "Expected YAML after encoder=, got '{'"),
        ("conv-beta", {"latent_channels": None}, ConfigError, "latent_channels: expected int, got None"),
        ("conv-beta", {"latent_channels": 8.5}, ConfigError, "latent_channels: expected int, got 8.5"),
        ("conv-beta", {"latent_channels": True}, ConfigError, "latent_channels: expected int, got True"),
        ("conv-beta", {"latent_channels": 0}, ConfigError, "Expected at least one channel"),
        ("conv-beta", {"widths": 5}, ConfigError, "widths: expected tuple[int, ...], got 5"),
        ("mlp-vae", {"image_size": [28, 28, 3]}, ConfigError, "image_size: expected tuple[int, int], got [28, 28, 3]"),
        ("conv-beta", {"image_size": 28}, ConfigError, "image_size: expected"),
        ("conv-beta", {"widths": []}, ConfigError, "Expected widths as 1 or more numbers of at least 1, got []"),
        ("conv-beta", {"decoder.widths": [4, 0]}, ConfigError, "Expected widths as 1 or more numbers of at least 1"),
        ("resnet-beta", {"decoder.widths": []}, ConfigError, "Expected widths as 1 or more numbers of at least 1"),
        ("denoise", {"widths": []}, ConfigError, "Expected widths as 1 or more numbers of at least 1, got []"),
        ("denoise", {"evidence": []}, ConfigError, "Expected evidence as 1 or more numbers of at least 1, got []"),
        ("denoise", {"latents": [4]}, ConfigError, "Expected latents as 3 or more numbers of at least 1, got [4]"),
        ("mlp-vae", {"hidden": [-1]}, ConfigError, "Expected hidden as numbers of at least 1, got [-1]"),
        ("mlp-vae", {"hidden": []}, None, ""),
        ("conv-beta", {"overrides": ["loss.beta=nan"]}, ConfigError, "beta: expected a finite number, got 'nan'"),
        ("conv-beta", {"overrides": {"loss.beta": float("inf")}}, ConfigError, "expected a finite number, got inf"),
        ("conv-beta", {"overrides": ["loss.beta=-.inf"]}, ConfigError, "beta: expected a finite number, got -inf"),
        ("resnet-beta", {"encoder.options": {"a": [float("nan")]}}, ConfigError, "options: expected a finite number"),
        ("conv-beta", {"prior": None}, ConfigError, "The model 'conv-beta' needs a prior, got None"),
        ("conv-beta", {"encoder": 5}, ConfigError, "Expected encoder as a part's name or a mapping, got 5"),
        ("conv-beta", {"encoder": {"name": 5}}, ConfigError, "Expected the encoder to name its part, got {'name': 5}"),
        (
            "conv-beta",
            {"overrides": ["conditioner.classes=3"]},
            ConfigError,
            "Expected the conditioner to name its part",
        ),
        ("conv-beta", {"encodes": "both"}, ConfigError, "Expected encodes to be 'input' or 'target', got 'both'"),
        (
            "denoise",
            {"encoder": "conv"},
            ConfigError,
            "The encoder 'conv' needs 'latent_channels'. Set latent_channels or",
        ),
        ("mlp-vae", {"decoder": "resnet"}, None, ""),
        (
            "mlp-vae",
            {"encoder.activation": "rlu"},
            ConfigError,
            "Expected an activation, got 'rlu'. Did you mean 'relu'",
        ),
        ("conv-beta", {"dtype": "int8"}, ConfigError, "Expected a floating point dtype, got 'int8'"),
        ("conv-beta", {"dtype": "float23"}, ConfigError, "Expected a dtype, got 'float23'. Did you mean 'float32'"),
        (
            "resnet-beta",
            {"encoder.backbone": "resnet17"},
            UnknownName,
            "Expected a timm backbone, got 'resnet17'. Did you",
        ),
        ("resnet-beta", {"encoder.options": {"channels": 3}}, ConfigError, "cannot be an encoder with options"),
        (
            "resnet-beta",
            {"encoder.latent_stride": 64, "decoder.widths": [4] * 6},
            ConfigError,
            "timm's 'resnet18' has features at strides [2, 4, 8, 16, 32], not at 64",
        ),
    ],
)
def test_what_is_refused(name: str, kwargs: dict[str, Any], kind: type[VaezooError] | None, message: str) -> None:
    if kind is None:
        assert isinstance(vaezoo.create(name, **kwargs), VAE)
        return
    with pytest.raises(kind) as caught:
        vaezoo.create(name, **kwargs)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"colour": "red"}, "guest: unknown key 'colour' in the model 'm'"),
        ({"shared": 5}, "guest: expected a mapping under 'shared', got 5"),
        ({"shared": {"classes": 3}}, "No part of 'm' takes the shared setting 'classes'"),
        ({"loss": {"name": None}}, "Expected the loss to name its part"),
    ],
)
def test_a_malformed_model(body: dict[str, Any], message: str) -> None:
    registry = Registry("guest")
    registry.parts = vaezoo.host.manager.current_zoo().registry.parts
    parts = {"encoder": {"name": "mlp", "latent_channels": 2}, "prior": "normal", "decoder": "mlp", "loss": "elbo"}
    registry.add_model("m", {**parts, **body})
    with pytest.raises(ConfigError) as caught:
        resolve(registry, "m")
    assert message in str(caught.value)


def test_a_part_that_cannot_be_imported() -> None:
    registry = Registry("guest")
    for slot in ("encoder", "prior", "decoder", "loss"):
        registry.add_part(slot, "gone", "no_such:Thing", "no_such:thing")
    registry.add_model("m", dict.fromkeys(("encoder", "prior", "decoder", "loss"), "gone"))
    with pytest.raises(BackendUnavailable, match="needs no_such:thing, which fails with ModuleNotFoundError"):
        resolve(registry, "m")


def test_every_bad_pair_has_its_sentence() -> None:
    with pytest.raises(IncompatibleParts) as caught:
        vaezoo.create("conv-beta", prior="ladder", loss="restoration")
    assert str(caught.value).count(". The ") >= 3


def test_seeds_in_threads_are_those_of_one() -> None:
    def weights(seed: int) -> list[float]:
        return next(vaezoo.create("conv-beta", seed=seed).parameters()).flatten()[:9].tolist()

    seeds = list(range(4)) * 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(weights, seeds)) == [weights(seed) for seed in seeds]
    for seed in ("a", 2**70):
        with pytest.raises(ConfigError, match="a seed as a whole number of 64 bits"):
            vaezoo.create("mlp-seed", seed=seed)  # type: ignore[arg-type]


def test_a_seed_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one, two, other = (vaezoo.create("mlp-seed", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    first = [next(model.parameters()) for model in (one, two, other)]
    assert torch.equal(first[0], first[1]) and not torch.equal(first[0], first[2])


def test_dtype_and_origin() -> None:
    model = vaezoo.create("mlp-seed", dtype="float64")
    assert next(model.parameters()).dtype == torch.float64
    assert model.origin.name == "mlp-seed" and model.origin.weights is None


def test_what_is_remembered_of_a_type_is_what_it_was() -> None:
    """1, 1.0 and True are equal, and no value may answer for another, however often and in whatever order."""
    kinds: tuple[Any, ...] = (int, float, bool, str, int | None, float | None, bool | None, str | None)
    kinds += (tuple[int, ...], tuple[float, float], tuple[bool, ...] | None, list[int])
    values: tuple[Any, ...] = (
        1,
        1.0,
        True,
        "1",
        0,
        0.0,
        False,
        None,
        "",
        (1, 1),
        [1, 1],
        [1.0, 1.0],
        [True, True],
        ["1"],
        [],
    )

    def outcome(function: Any, kind: Any, value: Any) -> tuple[Any, ...]:
        try:
            typed = function(kind, value, "It")
        except ConfigError as error:
            return (str(error),)
        return type(typed), typed, [type(item) for item in typed] if isinstance(typed, tuple) else None

    for order in (1, -1, 1):
        for kind in kinds:
            for value in values[::order]:
                if type(value) is not kind:
                    assert outcome(typed, kind, value) == outcome(_typed_anew, kind, value), (kind, value)
