"""Deblurring: the data step against dense algebra, deltas, borders, both kinds of denoiser, and every refusal."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor, nn
from vaezoo_deblur import deblur
from vaezoo_deblur.deblur import BOUNDARIES, DataStep, Deblur

import vaezoo
from vaezoo.errors import ConfigError, DataMissing, ShapeError
from vaezoo.image import blur, gaussian_kernel, gaussian_noise, motion_kernel, psnr_db
from vaezoo.image.damage.kernels import as_kernel
from vaezoo.restore import Restorer
from vaezoo.restore.task import make_task

CAT = torch.from_numpy(data.chelsea()[60:156, 100:220].transpose(2, 0, 1) / np.float32(255))[None]
SKEW = torch.tensor([[0.1, 0.0, 0.2, 0.05], [0.0, 0.3, 0.1, 0.0], [0.15, 0.0, 0.0, 0.1]])
DELTA = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


class Denoiser(nn.Module):
    """Leaves an image as it is, and notes what it was given; told the noise level where it takes it."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.channels, self.stride, self.size = 3, 4, None
        self.conditioner = SimpleNamespace(takes=("sigma",) if told else ())
        self.seen: list[tuple[Tensor, float | None]] = []

    def restore(self, y: Tensor, cond: Any = None) -> SimpleNamespace:
        self.seen.append((y, cond["sigma"].mean().item() * 255 if cond else None))
        return SimpleNamespace(image=y, scale=None)


def matrix(kernel: Tensor, size: tuple[int, int], boundary: str) -> Tensor:
    """Returns a blur as a dense matrix, column by column."""
    count = size[0] * size[1]
    units = torch.eye(count, dtype=torch.float64).reshape(count, 1, *size)
    return blur(units, kernel, boundary).reshape(count, -1).T


def test_data_step_is_the_least_squares_solution() -> None:
    rng = torch.Generator().manual_seed(0)
    y, z = (torch.rand(1, 1, 7, 9, generator=rng, dtype=torch.float64) for _ in range(2))
    a = matrix(SKEW, (7, 9), "circular")
    expected = torch.linalg.solve(a.T @ a + 0.01 * torch.eye(63), a.T @ y.flatten() + 0.01 * z.flatten())
    assert torch.allclose(DataStep(y, as_kernel(SKEW))(z, 0.01).flatten(), expected, atol=1e-9)


def test_open_data_step_is_the_least_squares_solution_over_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deblur, "TOLERANCE", 1e-12)
    rng = torch.Generator().manual_seed(0)
    y = torch.rand(1, 1, 5, 6, generator=rng, dtype=torch.float64)
    step = DataStep(y, as_kernel(SKEW), margin=4)
    z = torch.rand(1, 1, *step.size, generator=rng, dtype=torch.float64)
    a = matrix(SKEW, step.size, "circular").reshape(*step.size, -1)[4:-4, 4:-4].reshape(30, -1)
    expected = torch.linalg.solve(a.T @ a + 0.1 * torch.eye(a.shape[1]), a.T @ y.flatten() + 0.1 * z.flatten())
    assert torch.allclose(step(z, 0.1).flatten(), expected, atol=1e-6)


@pytest.mark.parametrize("boundary", ["open", "circular"])
def test_a_delta_leaves_what_the_denoiser_leaves(boundary: str) -> None:
    model = Denoiser(told=True)
    restored = Deblur(DELTA, sigma=2.55, boundary=boundary, perturb=0).restore(Restorer(model), CAT)
    assert torch.allclose(restored.image, CAT, atol=1e-5) and restored.scale is None
    levels = [level for _, level in model.seen]
    assert levels == pytest.approx([49 * (2.55 / 49) ** (i / 7) for i in range(8)], rel=1e-4)
    assert restored.facts["noise_levels"] == 2.55 and restored.facts["residual_levels"] < 0.01


@pytest.mark.parametrize("told", [True, False])
def test_a_denoiser_gets_noise_both_ways(told: bool) -> None:
    model = Denoiser(told)
    ticks: list[tuple[int, int]] = []
    task = Deblur(DELTA, sigma=2.55, iterations=3, perturb=0.8)
    image = task.restore(Restorer(model), CAT, lambda done, count: ticks.append((done, count))).image
    assert torch.allclose(image, CAT, atol=1e-5)
    assert ticks == [(i, 6) for i in range(1, 7)]
    expected = [0.8 * level for level in (49, math.sqrt(49 * 2.55), 2.55)]
    pairs = [(model.seen[i][0] - model.seen[i + 1][0]) / 2 for i in (0, 2, 4)]
    assert [255 * eps.std().item() for eps in pairs] == pytest.approx(expected, rel=0.02)
    if told:
        assert [model.seen[i][1] for i in (1, 3, 5)] == pytest.approx(expected, rel=1e-4)
    assert torch.equal(image, task.restore(Restorer(Denoiser(told)), CAT).image)


def test_the_shipped_denoiser_undoes_a_blur() -> None:
    kernel = motion_kernel(9, 20)
    y = gaussian_noise(blur(CAT, kernel), 2.55, seed=0)
    model = vaezoo.create("denoise", pretrained=True)
    restored = Deblur(kernel, 2.55, boundary="circular").restore(Restorer(model), y)
    assert psnr_db(restored.image, CAT) > psnr_db(y, CAT) + 5
    assert 1.5 < restored.facts["residual_levels"] < 3


def test_an_open_border_rings_less() -> None:
    kernel = motion_kernel(9, 20)
    y = blur(CAT, kernel, "valid")
    x = CAT[..., 5:-5, 5:-5]
    tasks = {name: Deblur(kernel, 1.0, boundary=name, perturb=0) for name in BOUNDARIES}
    found = {name: task.restore(Restorer(Denoiser(True)), y).image for name, task in tasks.items()}
    assert psnr_db(found["open"], x) > psnr_db(found["circular"], x) + 5


def test_what_rings_far_beyond_white_is_cut_off_before_the_denoiser() -> None:
    model, y = Denoiser(True), blur(CAT, motion_kernel(15, 35), "valid")
    Deblur(motion_kernel(15, 35), 0.0, boundary="circular", perturb=0).restore(Restorer(model), y)
    assert all(x.min() >= -1 and x.max() <= 2 for x, _ in model.seen)
    assert max(x.max() for x, _ in model.seen) == 2


def test_the_noise_level_is_estimated() -> None:
    y = gaussian_noise(blur(CAT, gaussian_kernel(2)), 8, seed=0)
    restored = Deblur(gaussian_kernel(2)).restore(Restorer(Denoiser(True)), y)
    assert restored.facts["noise_levels"] == pytest.approx(8, rel=0.1)


def test_gray_has_noise_of_its_own_in_each_channel() -> None:
    model, y = Denoiser(False), CAT[:, :1]
    restored = Deblur(DELTA, 2.55, iterations=2, perturb=1).restore(Restorer(model), y)
    assert restored.image.shape == y.shape and torch.allclose(restored.image, y, atol=1e-5)
    eps = [255 * (model.seen[i][0] - model.seen[i + 1][0])[0] / 2 for i in (0, 2)]
    assert [plane.std().item() for plane in eps] == pytest.approx([69, 2.55 * math.sqrt(3)], rel=0.02)
    assert torch.corrcoef(eps[0].flatten(1)).fill_diagonal_(0).abs().max() < 0.05


def test_protocol() -> None:
    try:
        x, y, task = Deblur.example(CAT, 1, 3)
    except DataMissing as error:
        pytest.skip(str(error))
    assert isinstance(task, Deblur) and (task.boundary, task.sigma) == ("circular", 2.55)
    assert 255 * (y - blur(x, task.kernel)).std().item() == pytest.approx(2.55, rel=0.02)
    with pytest.raises(ConfigError, match="The kernels have indices 0 to 19, not 20"):
        Deblur.example(CAT, 20, 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel": [[2.0]]}, ShapeError, "Expected a kernel that sums to 1, got 2"),
        (
            {"kernel": DELTA, "sigma": -1.0},
            ShapeError,
            "Expected a noise level of at least 0, in .* got -1.0",
        ),
        (
            {"kernel": DELTA, "sigma": math.nan},
            ShapeError,
            "Expected a noise level of at least 0, in .* got nan",
        ),
        ({"kernel": DELTA, "iterations": 0}, ConfigError, "Expected at least 1 iteration, got 0"),
        ({"kernel": DELTA, "perturb": -1.0}, ConfigError, "Expected a perturbation of 0 to 2, got -1.0"),
        ({"kernel": DELTA, "sigma": "2"}, ShapeError, "Expected a noise level of at least 0, in .* got '2'"),
        ({"kernel": DELTA, "iterations": 1.5}, ConfigError, "Expected at least 1 iteration, got 1.5"),
        ({"kernel": DELTA, "perturb": "x"}, ConfigError, "Expected a perturbation of 0 to 2, got 'x'"),
        ({"kernel": DELTA, "seed": None}, ConfigError, "Expected a whole number as seed, got None"),
        ({"kernel": DELTA, "boundary": "reflect"}, ConfigError, "A boundary is open or circular, not 'reflect'"),
    ],
)
def test_refused_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_task("deblur", **options)


def test_a_kernel_is_needed() -> None:
    message = r"a kernel to deblur by, got none. Give kernel=, such as gaussian_kernel\(1.6\), or use BlindDeblur"
    with pytest.raises(ConfigError, match=message):
        Deblur()


def test_refused_pictures() -> None:
    restorer = Restorer(Denoiser(True))
    with pytest.raises(ShapeError, match=r"Expected a kernel no larger than the image of \(96, 120\), got \(97, 1\)"):
        Deblur(torch.ones(97, 1) / 97).restore(restorer, CAT)
    with pytest.raises(ShapeError, match="Expected a picture of finite numbers, got NaN or infinity in it"):
        Deblur(DELTA).restore(restorer, CAT.index_fill(2, torch.tensor(5), math.nan))
