"""Blur kernels, and blurring with them: against sums written out, and every refusal."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from vaezoo.errors import ConfigError, DataMissing, ImageError, ShapeError
from vaezoo.image import Picture, blur, disc_kernel, gaussian_kernel, motion_kernel, write_picture
from vaezoo.image.damage.kernels import as_kernel, benchmark_kernels, path_kernel, read_kernel

X = torch.rand(1, 3, 17, 22, generator=torch.Generator().manual_seed(0))
SKEW = torch.tensor([[0.1, 0.0, 0.2, 0.05], [0.0, 0.3, 0.1, 0.0], [0.15, 0.0, 0.0, 0.1]])
DELTA = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(("boundary", "mode"), [("circular", "wrap"), ("reflect", "mirror"), ("replicate", "nearest")])
@pytest.mark.parametrize("kernel", [SKEW, SKEW.T, gaussian_kernel(0.8)])
def test_blur_is_the_convolution_of_scipy(boundary: str, mode: str, kernel: torch.Tensor) -> None:
    expected = [convolve(plane.double().numpy(), kernel.double().numpy(), mode=mode) for plane in X[0]]
    assert np.allclose(blur(X, kernel, boundary)[0].numpy(), np.stack(expected), atol=1e-6)


def test_valid_is_the_inside_of_any_other() -> None:
    inside = blur(X, SKEW, "valid")
    assert inside.shape == (1, 3, 15, 19)
    assert torch.allclose(inside, blur(X, SKEW)[..., 1 : 17 - 1, 1 : 22 - 2], atol=1e-6)


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate", "valid"])
def test_a_delta_changes_nothing(boundary: str) -> None:
    seen = X[..., 1:-1, 1:-1] if boundary == "valid" else X
    assert torch.allclose(blur(X, DELTA, boundary), seen, atol=1e-6)


def test_gaussian_has_its_variance() -> None:
    kernel = gaussian_kernel(1.6).double()
    position = torch.arange(kernel.shape[0], dtype=torch.float64) - kernel.shape[0] // 2
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    assert (kernel.sum(0) * position**2).sum().item() == pytest.approx(1.6**2, rel=2e-3)
    assert torch.equal(kernel, kernel.T)


def moments(kernel: torch.Tensor, angle: float) -> tuple[float, float]:
    """Returns a kernel's variance along an angle in degrees, anticlockwise from the horizontal, and across it."""
    position = torch.arange(kernel.shape[0], dtype=torch.float64) - kernel.shape[0] // 2
    down, right = torch.meshgrid(position, position, indexing="ij")
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, aside = right * cosine - down * sine, right * sine + down * cosine
    return (kernel * along**2).sum().item(), (kernel * aside**2).sum().item()


@pytest.mark.parametrize("angle", [0, 30, 90, 137.5])
def test_gaussian_may_differ_between_two_directions(angle: float) -> None:
    along, aside = moments(gaussian_kernel(2.5, 1, angle).double(), angle)
    assert along == pytest.approx(2.5**2, rel=2e-3) and aside == pytest.approx(1, rel=2e-3)


@pytest.mark.parametrize("radius", [2.7, 4, 6.3])
def test_disc_is_even_and_as_wide_as_its_radius(radius: float) -> None:
    kernel = disc_kernel(radius).double()
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6) and torch.equal(kernel, kernel.T)
    assert moments(kernel, 0)[0] == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.03)
    assert kernel.max().item() == pytest.approx(1 / (math.pi * radius**2), rel=0.02)
    assert torch.equal(disc_kernel(0), torch.ones(1, 1))


def test_a_path_is_where_the_camera_was() -> None:
    kernel = path_kernel(torch.tensor([0.0, 0.0, -1.0, 0.5]), torch.tensor([0.0, 2.0, 0.0, 0.0]))
    assert kernel.shape == (5, 5)
    assert kernel[2, 2] == 0.25 + 0.125 and kernel[2, 4] == 0.25 and kernel[1, 2] == 0.25 and kernel[3, 2] == 0.125


@pytest.mark.parametrize("angle", [0, 30, 90, 137.5])
def test_motion_goes_its_length_in_its_direction(angle: float) -> None:
    kernel = motion_kernel(20, angle).double()
    along, aside = moments(kernel, angle)
    assert kernel.sum().item() == pytest.approx(1, abs=1e-6)
    assert torch.allclose(kernel, kernel.flip(0, 1), atol=1e-5)
    assert along == pytest.approx(20**2 / 12, rel=0.03) and aside < 0.3


def test_motion_of_no_length_is_a_delta() -> None:
    assert torch.equal(motion_kernel(0, 45), torch.ones(1, 1))


def test_benchmark_kernels_are_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        kernels = benchmark_kernels()
    except DataMissing as error:
        pytest.skip(str(error))
    assert [tuple(kernel.shape) for kernel in kernels[:3]] == [(19, 19), (17, 17), (15, 15)] and len(kernels) == 20
    assert all(as_kernel(kernel).sum().item() == pytest.approx(1) for kernel in kernels)


def test_benchmark_kernels_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match=r"kernels_levin09_and_12.npz are in none of the folders of \$VAEZOO_DATA"):
        benchmark_kernels()
    (tmp_path / "blur_kernels").mkdir()
    np.savez(tmp_path / "blur_kernels" / "kernels_levin09_and_12.npz", a=np.ones((1, 1), np.float32))
    with pytest.raises(DataMissing, match="has other kernels than the benchmark: sha256 "):
        benchmark_kernels()


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (torch.ones(3) / 3, r"Expected a kernel of shape \(h, w\), got \(3,\)"),
        (torch.ones(0, 3), r"Expected a kernel of shape \(h, w\), got \(0, 3\)"),
        ([[math.nan, 1.0]], "Expected a kernel of finite numbers"),
        ("text", r"Expected a kernel \(h, w\) of numbers, got 'text'"),
        ([[1.0], [0.5, 0.5]], r"Expected a kernel \(h, w\) of numbers, got \[\[1.0\], \[0.5, 0.5\]\]"),
        ([[1.5, -0.5]], "Expected a kernel without negative values, got -0.5"),
        ([[1.0, 1.0]], "Expected a kernel that sums to 1, got 2. Divide it by that."),
        (torch.ones(18, 2) / 36, r"Expected a kernel no larger than the image of \(17, 22\), got \(18, 2\)"),
    ],
)
def test_no_kernels(kernel: object, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        blur(X, kernel)


def test_other_refusals() -> None:
    with pytest.raises(ConfigError, match="A boundary is circular, reflect, replicate or valid, not 'open'"):
        blur(X, DELTA, "open")
    with pytest.raises(ShapeError, match=r"Expected floats \(B, C, H, W\), got torch.float32 \(3, 17, 22\)"):
        blur(X[0], DELTA)
    with pytest.raises(ShapeError, match="Expected an image of finite numbers, got NaN or infinity in it"):
        blur(X.index_fill(3, torch.tensor(4), math.nan), DELTA)
    with pytest.raises(ConfigError, match="Expected a standard deviation above 0, in pixels, got 0"):
        gaussian_kernel(0)
    with pytest.raises(ConfigError, match="Expected a standard deviation above 0, in pixels, got -1"):
        gaussian_kernel(1, -1)
    with pytest.raises(ConfigError, match="Expected an angle in degrees, got nan"):
        gaussian_kernel(1, 2, math.nan)
    with pytest.raises(ConfigError, match="Expected a length of at least 0 and an angle, got -1 and 0"):
        motion_kernel(-1, 0)
    with pytest.raises(ConfigError, match="Expected a radius of at least 0, in pixels, got -2"):
        disc_kernel(-2)
    with pytest.raises(ConfigError, match=r"Expected two lists of positions of one length, got \(\(2,\), \(3,\)\)"):
        path_kernel(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ConfigError, match="Expected positions of finite numbers, got NaN or infinity"):
        path_kernel(torch.tensor([math.inf]), torch.zeros(1))


def test_a_kernel_is_read_from_an_array_or_a_picture(tmp_path: Path) -> None:
    made = motion_kernel(5, 30)
    np.save(tmp_path / "k.npy", made.numpy())
    torch.testing.assert_close(read_kernel(tmp_path / "k.npy"), made.double())
    levels = (made / made.max() * 255).round().to(torch.uint8).numpy()
    write_picture(Picture(np.repeat(levels[..., None], 3, 2)), tmp_path / "k.png")
    torch.testing.assert_close(read_kernel(tmp_path / "k.png"), made.double(), atol=0.01, rtol=0)
    write_picture(Picture(np.zeros((3, 3, 1), np.uint8)), tmp_path / "black.png")
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "zip.NPY").write_bytes(b"PK\3\4 and no more")
    with (tmp_path / "several.npy").open("wb") as file:
        np.savez(file, a=np.ones((1, 1)))
    np.save(tmp_path / "two.npy", np.ones((2, 2)))
    for name, error, says in (
        ("black.png", ImageError, "is black"),
        ("text.npy", ImageError, "cannot be read"),
        ("none.npy", ImageError, "cannot be read"),
        ("empty.npy", ImageError, "cannot be read: No data left in file"),
        ("zip.NPY", ImageError, "cannot be read: File is not a zip file"),
        ("several.npy", ShapeError, "of numbers, got NpzFile"),
        ("two.npy", ShapeError, "sum"),
    ):
        with pytest.raises(error, match=says):
            read_kernel(tmp_path / name)
