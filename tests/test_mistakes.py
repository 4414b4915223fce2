"""What a user may get wrong at the front door is a named error, never torch's or Python's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import vaezoo
from vaezoo.core import Batch
from vaezoo.errors import ConfigError, ShapeError, TensorMismatch, VaezooError, WeightsError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": None}, "Expected a model's name, got None"),
        ({"pretrained": 7}, "True, False, a tag or a path, got 7"),
        ({"device": "gpu"}, "Device 'gpu' cannot be used"),
        ({"device": 3.5}, "Device '3.5' cannot be used"),
        ({"overrides": 7}, "texts key=value or a mapping, got 7"),
        ({"overrides": {3: 4}}, "got 3"),
        ({"overrides": [Path("loss.beta=2")]}, "got .*Path"),
        ({"overrides": "image_size=${nothing}"}, "Nothing is filled in for"),
        ({"overrides": {"prior": {"nme": "mixture"}}}, "no parameter 'nme'. Did you mean 'name'"),
        ({"image_size": (0, 5)}, "image_size as height and width of at least 1"),
    ],
)
def test_create(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        vaezoo.create(**{"name": "conv-beta", **arguments})
    if not {"device", "pretrained"} & set(arguments):
        with pytest.raises(ConfigError, match=message):
            vaezoo.explain(**{"name": "conv-beta", **arguments})


def test_an_image_of_another_type_than_the_model() -> None:
    model, x = vaezoo.create("mlp-vae"), torch.rand(1, 1, 28, 28)
    for image in (x.double(), x.half()):
        for call in (model.restore, model.encode, model.reconstruct, lambda image: model(Batch(image))):
            with pytest.raises(ShapeError, match=r"as torch\.float32, as the model's parameters are, got torch\.float"):
                call(image)
    with pytest.raises(ShapeError, match=r"got torch\.float32"):
        model.double().restore(x)


def test_enhance_converts_to_the_type_of_the_model() -> None:
    image = np.random.RandomState(0).rand(28, 28)
    models = (vaezoo.create("denoise-small", seed=1, dtype=kind) for kind in (None, "float64"))
    single, double = (vaezoo.enhance(image, model=model) for model in models)
    assert double.image.dtype == np.float64
    np.testing.assert_allclose(single.image, double.image, atol=1e-5)


@pytest.mark.parametrize(
    ("n", "arguments"), [(-1, {}), (2.5, {}), (1, {"size": (0, 5)}), (1, {"size": (28,)}), (1, {"cond": {"lable": 1}})]
)
def test_sample(n: Any, arguments: dict[str, Any]) -> None:
    cond = {name: torch.tensor([value]) for name, value in arguments.pop("cond", {}).items()}
    with pytest.raises(VaezooError, match=r"whole number n|size as \(H, W\)|'lable'\. Did you mean 'label'"):
        vaezoo.create("conv-cvae").sample(n, cond=cond, **arguments)


def test_weights_of_another_kind_of_number(tmp_path: Path) -> None:
    weights = vaezoo.create("mlp-seed").state_dict()
    name = next(iter(weights))

    def load(tensor: Tensor) -> None:
        save_file({**weights, name: tensor}, tmp_path / "a.safetensors")
        vaezoo.create("mlp-seed", pretrained=tmp_path / "a.safetensors")

    with pytest.raises(TensorMismatch, match=f"{name} is torch.int8 instead of torch.float32"):
        load(torch.zeros_like(weights[name], dtype=torch.int8))
    load(weights[name].to(torch.float8_e4m3fn))
    with pytest.raises(WeightsError, match="got NaN or infinity"):
        load(torch.full_like(weights[name], torch.nan).to(torch.float8_e4m3fn))
