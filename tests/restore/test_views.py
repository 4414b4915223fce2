"""Eight views of a picture, and the mean of what a model makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.restore import Restorer
from vaezoo.restore.views import VIEWS, turn, turn_back

from .fakes import Brightener, Smoother


class Slope(nn.Module):
    """Adds a slope of the rows it is shown, and states its height as the scale."""

    channels, stride, size = 1, 4, None

    def restore(self, y: Tensor) -> SimpleNamespace:
        slope = torch.linspace(0, 0.5, y.shape[-2])[:, None].expand_as(y)
        return SimpleNamespace(image=y + slope, scale=slope)


class Teller(nn.Module):
    """Gives the condition that it was told as the image."""

    channels, stride, size = 1, 4, None

    def restore(self, y: Tensor, cond: Mapping[str, Tensor]) -> SimpleNamespace:
        return SimpleNamespace(image=cond["sigma"], scale=None)


def image(channels: int = 1, height: int = 12, width: int = 12) -> Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))


def test_the_views_are_eight_and_turn_back() -> None:
    x = image(3, 5, 7)
    views = [turn(x, view) for view in range(VIEWS)]
    assert all(torch.equal(turn_back(seen, view), x) for view, seen in enumerate(views))
    square = [turn(x[..., :5], view) for view in range(VIEWS)]
    assert sum(torch.equal(a, b) for a in square for b in square) == VIEWS
    assert torch.equal(views[0], x) and sorted({tuple(v.shape[-2:]) for v in views}) == [(5, 7), (7, 5)]


def test_the_mean_over_the_views_has_no_direction() -> None:
    y = image()
    found, slope = Restorer(Slope(), self_ensemble=True)(y), torch.linspace(0, 0.5, 12)[:, None].expand(12, 12)
    turned = torch.stack([s for s in (slope, slope.flip(0), slope.mT, slope.mT.flip(1))])
    torch.testing.assert_close(found.image[0, 0], y[0, 0] + turned.mean(0))
    assert found.scale is not None
    torch.testing.assert_close(found.scale[0, 0], turned.square().mean(0).sqrt())


@pytest.mark.parametrize("size", [(90, 131), (3, 50), (64, 64)])
def test_tiles_have_the_views_of_the_whole(size: tuple[int, int]) -> None:
    model, y = vaezoo.create("denoise", widths=[4, 4, 4], blocks=1, seed=0), image(3, *size)
    whole, tiled = (Restorer(model.eval(), tile=tile, self_ensemble=True)(y) for tile in (None, 64))
    assert whole.scale is not None and tiled.scale is not None
    torch.testing.assert_close(whole.image, tiled.image, atol=2e-3, rtol=0)
    torch.testing.assert_close(whole.scale, tiled.scale, atol=2e-3, rtol=0)
    assert not torch.allclose(whole.image, Restorer(model)(y).image, atol=1e-6)


def test_maps_are_turned_with_the_picture() -> None:
    sigma = image(1, 10, 13)
    found = Restorer(Teller(), self_ensemble=True)(torch.zeros_like(sigma), maps={"sigma": sigma})
    torch.testing.assert_close(found.image, sigma)


def test_images_of_the_whole_are_turned_and_samples_are_of_the_picture_as_it_is() -> None:
    model, whole = Brightener(), torch.linspace(0.1, 0.3, 16).expand(1, 3, 8, 16)
    plain = Restorer(model, samples=2)(whole, whole={"whole": whole})
    found = Restorer(model, samples=2, self_ensemble=True)(whole, whole={"whole": whole})
    assert (
        len({tuple(told.flatten().tolist()) for told in model.told}) == 4
    )  # two axes of this picture make no difference
    assert plain.average is not None and found.average is not None
    torch.testing.assert_close(found.image, plain.image)
    torch.testing.assert_close(found.average, plain.average)


def test_a_model_of_one_size_sees_the_views_that_fit() -> None:
    model = Smoother(1, size=(12, 20))
    found = Restorer(model, self_ensemble=True)(image(1, 12, 20))
    assert model.seen == [(1, 1, 12, 20)] * 4 and found.image.shape == (1, 1, 12, 20)


def test_a_model_that_states_no_scale_states_none_of_its_views() -> None:
    assert Restorer(Smoother(scaled=False), self_ensemble=True)(image(3)).scale is None
