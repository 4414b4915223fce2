"""Warm starts, and what stays readable while a file is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from vaezoo.errors import TensorMismatch, UnknownName, WeightsError
from vaezoo.train.checkpoint import save_weights, warm_start
from vaezoo.train.loop import train
from vaezoo.zoo.create import create

from . import toy


def test_a_run_starts_from_the_weights_of_another(tmp_path: Path) -> None:
    first = train(toy.recipe(), tmp_path / "first", objective=toy.objective(), source=toy.source())
    recipe = toy.recipe(warm_start=str(first.weights))
    second = train(recipe, tmp_path / "second", objective=toy.objective(), source=toy.source(), minutes=0.0)
    moved = load_file(second.weights)["conv.weight"] - load_file(first.weights)["conv.weight"]
    assert float(moved.abs().max()) < 2e-3  # one step of the warm-up


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    torch.save(toy.ToyModel().state_dict(), tmp_path / "pickle.safetensors")
    save_weights(tmp_path, {"conv.weight": torch.full((1,), torch.nan)}, {})
    for name, message in (
        ("bad", "got bytes that are none"),
        ("missing", "cannot be read: No such file"),
        ("pickle", "got a pickle"),
        ("ema", "got NaN"),
    ):
        with pytest.raises(WeightsError, match=message):
            warm_start(toy.ToyModel(), str(tmp_path / f"{name}.safetensors"))
    save_weights(tmp_path, {"other": torch.zeros(1)}, {})
    with pytest.raises(TensorMismatch, match=r"are not the model's: 3 missing, such as 'conv\.bias'"):
        warm_start(toy.ToyModel(), str(tmp_path / "ema.safetensors"))


def test_weights_are_contiguous_and_say_whose_they_are(tmp_path: Path) -> None:
    kernel = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    save_weights(tmp_path, {"kernel": kernel, "same": kernel}, {"model": "toy"})
    assert torch.equal(load_file(tmp_path / "ema.safetensors")["kernel"], kernel)
    with safe_open(tmp_path / "ema.safetensors", "pt") as file:
        assert file.metadata() == {"model": "toy"}


SMALL = {"widths": [8, 8, 8], "evidence": [8, 8, 8]}


def test_a_grown_model_gives_what_the_smaller_one_gave(tmp_path: Path) -> None:
    old = create("denoise", blocks=1, seed=1, **SMALL).eval()
    torch.nn.init.normal_(old.decoder.project.weight)
    save_weights(tmp_path, old.state_dict(), {})
    new = create("denoise", blocks=3, seed=2, **SMALL).eval()
    y = torch.rand(1, 3, 19, 22)
    with pytest.raises(TensorMismatch, match="missing"):
        warm_start(new, str(tmp_path / "ema.safetensors"))
    warm_start(new, str(tmp_path / "ema.safetensors"), grow=True)
    torch.testing.assert_close(new.restore(y).image, old.restore(y).image)
    assert not torch.equal(new.restore(y).image, y)


def test_it_starts_from_weights_on_the_shelf_by_their_name() -> None:
    model, shelved = create("mlp-seed", seed=1), create("mlp-seed.fashion", pretrained=True)
    warm_start(model, "mlp-seed.fashion")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, shelved.state_dict()[name])
    with pytest.raises(UnknownName, match="'mlp-seed' has no weights 'fashon'"):
        warm_start(model, "mlp-seed.fashon")
    with pytest.raises(TensorMismatch):
        warm_start(model, "conv-beta.fashion")


def test_a_shed_model_leaves_out_what_it_lacks_and_no_more(tmp_path: Path) -> None:
    old = create("denoise", blocks=2, seed=1, **SMALL).eval()
    for stage in old.conditioner.bottom_up.stages[:1]:
        stage[1].start_as_identity()
    torch.nn.init.normal_(old.decoder.project.weight)
    save_weights(tmp_path, old.state_dict(), {})
    path, y = str(tmp_path / "ema.safetensors"), torch.rand(1, 3, 19, 22)
    new = create("denoise", blocks=2, finest_blocks=1, seed=2, **SMALL).eval()
    warm_start(new, path, shed=True)
    torch.testing.assert_close(new.restore(y).image, old.restore(y).image)
    with pytest.raises(TensorMismatch, match="missing"):
        warm_start(create("denoise", blocks=3, **SMALL), path, shed=True)


def test_growing_asks_for_whole_modules_that_can_be_identities(tmp_path: Path) -> None:
    tensors = create("denoise", blocks=1, **SMALL).state_dict()
    for lacking, model in (
        ("decoder.project.bias", create("denoise", blocks=2, **SMALL)),
        ("prior.levels.0.blocks.0.first.bias", create("denoise", blocks=1, **SMALL)),
    ):
        save_weights(tmp_path, {name: value for name, value in tensors.items() if name != lacking}, {})
        with pytest.raises(TensorMismatch, match=f"1 missing, such as '{lacking}'"):
            warm_start(model, str(tmp_path / "ema.safetensors"), grow=True)
    save_weights(tmp_path, create("denoise", blocks=2, **SMALL).state_dict(), {})
    with pytest.raises(TensorMismatch, match="extra"):
        warm_start(create("denoise", blocks=1, **SMALL), str(tmp_path / "ema.safetensors"), grow=True)
