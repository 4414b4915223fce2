"""The restorer: sizes, channels, memory and refusals, with a small fake model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.errors import ConfigError, ImageError, ShapeError
from vaezoo.restore import Restorer

from .fakes import Hungry, Smoother


def image(channels: int = 3, height: int = 90, width: int = 131) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(90, 131), (1, 1), (3, 200), (64, 64)])
def test_tiled_equals_whole(size: tuple[int, int]) -> None:
    y = image(3, *size)
    whole, tiled = Restorer(Smoother())(y), Restorer(Smoother(), tile=32)(y)
    assert torch.allclose(whole.image, tiled.image, atol=1e-5)
    assert whole.scale is not None and tiled.scale is not None
    assert torch.allclose(whole.scale, tiled.scale, atol=1e-5)


def test_a_small_image_is_one_call_and_a_large_one_never_exceeds_its_tile() -> None:
    model = Smoother()
    assert Restorer(model)(image(3, 90, 131)).tile == 132 and model.seen == [(1, 3, 90, 131)]
    assert Restorer(model, tile=48)(image(3, 90, 131)).tile == 48
    assert all(max(shape[-2:]) <= 48 for shape in model.seen[1:])


def test_gray_through_a_colour_model() -> None:
    y = image(1)
    gray, colour = Restorer(Smoother(1))(y), Restorer(Smoother(3))(y)
    assert colour.image.shape == y.shape
    assert torch.allclose(gray.image, colour.image, atol=1e-6)
    assert gray.scale is not None and colour.scale is not None
    assert torch.allclose(gray.scale, colour.scale, atol=1e-6)


def test_colour_through_a_gray_model() -> None:
    y = image(3)
    model = Smoother(1)
    one, other = Restorer(model)(y), Restorer(Smoother(3))(y)
    assert model.seen == [(3, 1, 90, 131)]
    assert torch.allclose(one.image, other.image, atol=1e-6) and one.scale is not None
    assert one.scale.shape == y.shape


@pytest.mark.parametrize(("channels", "of_image"), [(3, 3), (3, 1), (1, 3)])
def test_a_model_may_state_no_scale(channels: int, of_image: int) -> None:
    assert Restorer(Smoother(channels, scaled=False), tile=32)(image(of_image)).scale is None


def test_the_result_can_be_changed_by_its_owner() -> None:
    restored = Restorer(Smoother())(image()).image
    restored += 1
    assert not restored.requires_grad and restored.device.type == "cpu"


def test_evaluation_mode_is_set() -> None:
    model = Smoother()
    Restorer(model.train())
    assert not model.training


def test_memory_halves_the_usual_tile_once() -> None:
    model = Hungry(most=70 * 70)
    restorer = Restorer(model)
    with pytest.warns(UserWarning) as said:
        result = restorer(image(3, 200, 256))
        again = restorer(image(3, 200, 256))
    assert result.tile == again.tile == 64
    assert [str(warning.message) for warning in said] == [
        "Memory does not suffice for a tile of 256 pixels: going on with 128.",
        "Memory does not suffice for a tile of 128 pixels: going on with 64.",
    ]
    assert torch.allclose(result.image, Restorer(Smoother())(image(3, 200, 256)).image, atol=1e-5)


def test_memory_never_changes_a_given_tile() -> None:
    with pytest.raises(ImageError, match=r"tile of 128 pixels on cpu\. Give a smaller tile or another device"):
        Restorer(Hungry(most=70 * 70), tile=128)(image(3, 200, 256))


def test_memory_that_never_suffices_is_an_error() -> None:
    with pytest.raises(ImageError, match="Memory does not suffice for a tile of 100 pixels"):
        Restorer(Hungry(most=0))(image(3, 100, 100))


def test_other_errors_of_a_model_are_not_hidden() -> None:
    class Broken(Smoother):
        def restore(self, y: Tensor) -> None:  # type: ignore[override]
            raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        Restorer(Broken())(image())


def test_values_that_are_not_finite_are_refused() -> None:
    model = Smoother()
    model.weight.data.fill_(torch.nan)
    with pytest.raises(ImageError, match=r"returned values that are not finite\. Verify its weights"):
        Restorer(model)(image())


def test_one_size_only() -> None:
    model = Smoother(1, size=(26, 28))
    assert Restorer(model, tile=20)(image(1, 26, 28)).image.shape == (1, 1, 26, 28)
    assert model.seen == [(1, 1, 26, 28)]
    with pytest.raises(ShapeError, match=r"images of 26x28 pixels only, this one has 28x28\. Resize it"):
        Restorer(model)(image(1, 28, 28))


def test_misfits_are_refused() -> None:
    with pytest.raises(ShapeError, match="takes 3 channels, the image has 4"):
        Restorer(Smoother())(image(4))
    with pytest.raises(ShapeError, match=r"Expected one image, \(1, C, H, W\), got \(2, 3, 8, 8\)"):
        Restorer(Smoother())(torch.zeros(2, 3, 8, 8))
    with pytest.raises(ConfigError, match="tiles have at least 16 pixels, not 15"):
        Restorer(Smoother(), tile=15)
    with pytest.raises(ConfigError, match="Device 'meta' holds no values"):
        Restorer(Smoother(), device="meta")
    for name in ("nonsense", "cuda:77"):
        with pytest.raises(ConfigError, match=f"Device '{name}' cannot be used: .*'cpu' always works"):
            Restorer(Smoother(), device=name)


def test_half_precision_is_off_by_little_and_gives_fp32() -> None:
    model, y = vaezoo.create("denoise-small", pretrained=True), image(3, 40, 50)
    whole, half = Restorer(model)(y), Restorer(model, precision="bf16")(y)
    assert whole.scale is not None and half.scale is not None
    assert half.image.dtype == half.scale.dtype == torch.float32 and not torch.equal(half.image, whole.image)
    torch.testing.assert_close(half.image, whole.image, atol=4 / 255, rtol=0)
    torch.testing.assert_close(half.scale, whole.scale, atol=0, rtol=0.1)
    with pytest.raises(ConfigError, match="Expected a precision of fp32 or bf16, got 'fp8'"):
        Restorer(model, precision="fp8")


def test_another_restorer_is_like_this_one() -> None:
    this = Restorer(Smoother(), tile=32, seed=3, samples=2, self_ensemble=True, precision="bf16")
    other = this.other(Smoother(1))
    assert (other.tile, other.seed, other.self_ensemble, other.precision) == (32, 3, True, "bf16")
    assert (other.samples, this.other(samples=4).samples, this.other().model) == (0, 4, this.model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 2.5}, "whole number of samples, at least 0, got 2.5"),
        ({"samples": "2"}, "whole number of samples, at least 0, got '2'"),
        ({"samples": -1}, "whole number of samples, at least 0, got -1"),
        ({"seed": None}, "whole number as seed, got None"),
        ({"tile": "64"}, "whole number of pixels as tile, or None, got '64'"),
        ({"tile": 64.5}, "whole number of pixels as tile, or None, got 64.5"),
        ({"detail": "x"}, "Detail is 0 to 1, not 'x'"),
        ({"detail": None}, "Detail is 0 to 1, not None"),
    ],
)
def test_numbers_that_are_none_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Restorer(Smoother(), **options)


@pytest.mark.parametrize("model", [3, torch.nn.Linear(2, 2), Smoother])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(ConfigError, match=r"Expected a model that restores, got .*\. Make one with vaezoo\.create"):
        Restorer(model)


class ThreeScales(nn.Module):
    """A colour model whose channels state deviations of their own."""

    channels, stride, size = 3, 1, None

    def restore(self, y: Tensor, *, samples: int = 0, noise: object = None) -> SimpleNamespace:
        scale = torch.tensor([0.1, 0.2, 0.6]).view(1, 3, 1, 1).expand_as(y)
        return SimpleNamespace(image=y + scale, scale=scale, spread=scale / 2 if samples else None)


def test_a_gray_picture_through_a_colour_model_has_the_root_mean_square_of_the_scales() -> None:
    gray = torch.full((1, 1, 8, 9), 0.25)
    values = Restorer(ThreeScales(), samples=2)(gray)
    expected = torch.full((1, 1, 8, 9), ((0.1**2 + 0.2**2 + 0.6**2) / 3) ** 0.5)
    assert values.scale is not None and values.spread is not None
    torch.testing.assert_close(values.scale, expected)
    torch.testing.assert_close(values.spread, expected / 2)
    torch.testing.assert_close(values.image, torch.full((1, 1, 8, 9), 0.25 + 0.3))
