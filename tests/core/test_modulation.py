"""FiLM and AdaIN: the identity before training, their formulas after, and how parts take them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vaezoo import create
from vaezoo.core import AdaIN, FiLM
from vaezoo.errors import ConfigError


def trained(layer: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_(generator=generator)
    return layer


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 5, 6)])
def test_film_is_the_identity_before_training_and_affine_after(shape: tuple[int, ...]) -> None:
    features, vector = torch.randn(shape), torch.randn(2, 3)
    layer = FiLM(3, 4)
    assert torch.equal(layer(features, vector), features)
    scale, shift = trained(layer).tell(vector).chunk(2, 1)
    for n in range(2):
        for c in range(4):
            torch.testing.assert_close(layer(features, vector)[n, c], (1 + scale[n, c]) * features[n, c] + shift[n, c])


def test_a_part_of_a_picture_under_film_is_the_whole_ones() -> None:
    features, vector, layer = torch.randn(1, 4, 8, 8), torch.randn(1, 3), trained(FiLM(3, 4))
    assert torch.equal(layer(features, vector)[..., :4], layer(features[..., :4], vector))


def test_adain_takes_each_images_own_statistics_away() -> None:
    features, vector, layer = 3 + 2 * torch.randn(2, 4, 8, 8), torch.randn(2, 3), AdaIN(3, 4)
    expected = nn.functional.instance_norm(features)
    torch.testing.assert_close(layer(features, vector), expected)
    torch.testing.assert_close(layer(2 * features + 5, vector), expected, rtol=1e-3, atol=1e-4)
    scale, shift = (t[:, :, None, None] for t in trained(layer).tell(vector).chunk(2, 1))
    torch.testing.assert_close(layer(features, vector), (1 + scale) * expected + shift)
    flat = torch.randn(2, 4)
    torch.testing.assert_close(AdaIN(3, 4)(flat, vector), nn.functional.layer_norm(flat, (4,)))


def decoded(model: str, modulate: str) -> tuple[Tensor, Tensor]:
    part = {"name": model, "modulate": modulate}
    vae = create(
        f"{model}-style", seed=0, image_channels=1, encoder={**part, "context_vector": 16}
        if model != "resnet" or modulate == "film" else {"name": model}, decoder=part, conditioner="style-class"
    )  # fmt: skip
    trained_layers = [m for m in vae.modules() if isinstance(m, (FiLM, AdaIN))]
    assert len(trained_layers) >= 4
    for layer in trained_layers:
        nn.init.normal_(layer.tell.weight, std=0.3)
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(0)).expand(2, 16)
    with torch.no_grad():
        image = vae.decode(z, cond={"style_class": torch.tensor([0, 1])}, size=(28, 28)).image
        x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)).expand(2, 1, 28, 28)
        mean = vae.encode(x, cond={"style_class": torch.tensor([0, 1])}).mean
    return image, mean


@pytest.mark.parametrize("modulate", ["film", "adain"])
@pytest.mark.parametrize("model", ["mlp", "conv", "resnet"])
def test_every_backbone_hears_the_vector(model: str, modulate: str) -> None:
    torch.manual_seed(0)
    image, mean = decoded(model, modulate)
    assert float((image[0] - image[1]).abs().max()) > 1e-3
    assert (model, modulate) == ("resnet", "adain") or float((mean[0] - mean[1]).abs().max()) > 1e-3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="modulate to be one of none, film, adain, got 'fim'"):
        create("mlp-style", decoder={"modulate": "fim"})
    with pytest.raises(ConfigError, match="Expected a context_vector for modulate 'film' to read, got 0"):
        create("mlp-vae", decoder={"modulate": "film"})
    with pytest.raises(ConfigError, match="modulate to be one of none, film, got 'adain'"):
        create("resnet-style", encoder={"modulate": "adain", "context_vector": 16})
