"""Intervals and the files that hold them: conformal by the card's calibration, else Gaussian, and said to be so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.errors import ConfigError, ImageError
from vaezoo.image import read_picture
from vaezoo.restore import Calibration, enhance, write_uncertainty
from vaezoo.restore.interval import find_calibration
from vaezoo.restore.uncertainty import draw_uncertainty
from vaezoo.zoo.weights import digest_of

from .fakes import Smoother

PHOTO = np.random.RandomState(0).rand(30, 41, 3).astype(np.float32)
CALIBRATION = Calibration(
    factor=1.25, quantiles={"68": 1.1, "90": 2.0, "95": 2.4}, image_factor=2.2, risk_factor=3.0, sigmas=(25.0,),
    images=41, weights="1" * 64,
)  # fmt: skip


class Known(nn.Module):
    """Returns what came in, with a standard deviation of 0.1; its weights, of no tensor, may have a card."""

    channels, stride, size = 3, 1, None

    def __init__(self, calibration: Any = None, sha256: str = "1" * 64, task: str = "denoise") -> None:
        super().__init__()
        card = SimpleNamespace(name="known.tag", calibration=calibration or {})
        weights = SimpleNamespace(card=card, sha256=sha256, content=digest_of(self))
        self.origin = SimpleNamespace(weights=weights, spec=SimpleNamespace(model=SimpleNamespace(task=task)))

    def restore(self, y: Tensor) -> SimpleNamespace:
        return SimpleNamespace(image=y, scale=torch.full_like(y, 0.1))


def test_a_calibration_widens_and_clips() -> None:
    result = enhance(PHOTO, model=Known(CALIBRATION.plain()))
    assert result.calibration == CALIBRATION
    np.testing.assert_allclose(result.sd, 0.125, rtol=1e-6)
    np.testing.assert_allclose(result.scale, 0.1)
    interval = result.interval()
    assert (interval.level, interval.width, interval.method) == (90, 2.0, "conformal")
    np.testing.assert_allclose(interval.lower, np.clip(PHOTO - 0.2, 0, 1), atol=1e-6)
    np.testing.assert_allclose(interval.upper, np.clip(PHOTO + 0.2, 0, 1), atol=1e-6)
    assert interval.lower.dtype == interval.upper.dtype == np.float32
    assert [result.interval(over=over).width for over in ("images", "risk")] == [2.2, 3.0]
    with pytest.raises(ConfigError, match="a level that was fitted over pixels, 68, 90, 95, got 80"):
        result.interval(80)


def test_without_a_calibration_it_is_gaussian_and_says_so() -> None:
    for model in (Known(), Known(CALIBRATION.plain(), sha256="2" * 64)):
        result = enhance(PHOTO, model=model)
        interval = result.interval(80)
        assert result.calibration is None and interval.method == "gaussian"
        assert interval.width == pytest.approx(1.2816, abs=1e-4)
        np.testing.assert_allclose(result.sd, 0.1)
    with pytest.raises(ConfigError, match="over 'images' needs a calibration, which these weights do not have"):
        result.interval(over="images")
    for level in (0, 100, "90", None):
        with pytest.raises(ConfigError, match=f"a level between 0 and 100 percent, got {level!r}"):
            result.interval(level)  # type: ignore[arg-type]


def test_the_interval_is_around_the_model_s_own_image() -> None:
    full, half = (enhance(PHOTO, model=Smoother(), strength=strength) for strength in (1, 0.5))
    np.testing.assert_array_equal(full.restored, full.image)
    np.testing.assert_array_equal(half.interval().lower, full.interval().lower)


def test_a_model_that_states_nothing_has_none(tmp_path: Path) -> None:
    result = enhance(PHOTO, model=Smoother(scaled=False))
    for ask in (lambda: result.sd, result.interval, lambda: write_uncertainty(tmp_path / "a", tmp_path / "b", result)):
        with pytest.raises(ConfigError, match="The model predicts no uncertainty"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_malformed_calibration_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"The card of known\.tag: expected the keys"):
        find_calibration(Known({"factor": 1.0}), "denoise")
    assert find_calibration(Smoother(), "denoise") is None


def test_a_calibration_is_of_the_weights_that_were_loaded_and_of_their_task() -> None:
    model = Known(CALIBRATION.plain())
    assert find_calibration(model, "denoise") and find_calibration(model, "denoise")
    assert find_calibration(model, "sr") is None
    model.more = nn.Parameter(torch.zeros(1))
    assert find_calibration(model, "denoise") is None
    zoo = vaezoo.create("denoise-small", pretrained=True)
    for same in (zoo, copy.deepcopy(zoo).half(), torch.compile(zoo)):
        assert find_calibration(same, "denoise")  # type: ignore[arg-type]
    before = {name: tensor.clone() for name, tensor in zoo.state_dict().items()}
    with torch.no_grad():
        next(zoo.parameters()).mul_(1.01)
    assert find_calibration(zoo, "denoise") is None
    zoo.load_state_dict(before)
    assert find_calibration(zoo, "denoise")


def halve(weight: nn.Parameter) -> None:
    weight.data.mul_(0.5)


def edit_by_numpy(weight: nn.Parameter) -> None:
    weight.detach().numpy()[0] += 0.25


def swap(weight: nn.Parameter) -> None:
    weight.detach().numpy()[:2] = weight.detach().numpy()[1::-1].copy()


def nudge_the_last(weight: nn.Parameter) -> None:
    weight.detach().numpy().reshape(-1)[-1] *= 1.1


@pytest.mark.parametrize("change", [halve, edit_by_numpy, swap, nudge_the_last])
def test_no_calibration_is_claimed_for_weights_that_changed_unseen(change: Callable[[nn.Parameter], None]) -> None:
    model = vaezoo.create("denoise-small", pretrained=True)
    assert find_calibration(model, "denoise")
    weight = model.get_parameter("decoder.project.weight")
    before = weight.detach().clone()
    change(weight)
    assert find_calibration(model, "denoise") is None
    weight.data.copy_(before)
    assert find_calibration(model, "denoise")


def test_the_digest_is_taken_once_of_weights_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr("vaezoo.restore.interval.digest_of", lambda module: taken.append(1) or digest_of(module))
    model = vaezoo.create("denoise-small", pretrained=True)
    assert all(find_calibration(model, "denoise") for _ in range(3))
    assert len(taken) == 1


def test_the_files_hold_the_numbers_and_a_map(tmp_path: Path) -> None:
    result = enhance(PHOTO, model=Known(CALIBRATION.plain()))
    interval = write_uncertainty(tmp_path / "a.npz", tmp_path / "a.png", result)
    with np.load(tmp_path / "a.npz") as file:
        assert set(file) == {"sd", "lower", "upper", "level", "method", "width", "factor"}
        np.testing.assert_array_equal(file["sd"], result.sd)
        np.testing.assert_array_equal(file["lower"], interval.lower)
        np.testing.assert_array_equal(file["upper"], interval.upper)
        assert (file["level"], file["method"], file["width"], file["factor"]) == (90, "conformal", 2.0, 1.25)
    height, width = read_picture(tmp_path / "a.png").pixels.shape[:2]
    assert height == 8 * 30 and width == 8 * 41 + 110


def test_a_large_picture_is_drawn_a_dot_a_pixel(tmp_path: Path) -> None:
    result = enhance(np.full((300, 400, 3), 0.5, np.float32), model=Known())
    write_uncertainty(tmp_path / "a.npz", tmp_path / "a.png", result)
    assert read_picture(tmp_path / "a.png").pixels.shape[:2] == (300, 510)


@pytest.mark.parametrize(("size", "drawn"), [((2, 3000), (240, 3110)), ((300, 2), (300, 112)), ((1, 1), (240, 350))])
def test_a_thin_picture_is_not_drawn_huge(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    sd = np.full((*size, 3), 0.1, np.float32)
    figure = draw_uncertainty(sd)
    across, down = figure.get_size_inches() * figure.dpi
    assert (round(down), round(across)) == drawn
    figure.draw_without_rendering()
    first = figure.axes[0].get_window_extent()
    assert down - first.y1 == pytest.approx(0, abs=1e-6)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.npz"):
        write_uncertainty(tmp_path / "no" / "a.npz", tmp_path / "a.png", enhance(PHOTO, model=Known()))
