"""PSNR, SSIM and luma against closed forms and against scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vaezoo.errors import ShapeError
from vaezoo.image import gaussian_noise, luma, psnr_db, ssim

X = torch.rand(2, 3, 40, 33, generator=torch.Generator().manual_seed(0))
X_HAT = gaussian_noise(X, 20, seed=1)


def test_psnr_of_a_constant_error() -> None:
    assert psnr_db(X + 0.1, X) == pytest.approx([20.0, 20.0], abs=1e-5)
    assert psnr_db(X, X).tolist() == [math.inf, math.inf]


def test_a_nearer_image_scores_higher() -> None:
    far = gaussian_noise(X, 40, seed=1)
    assert (psnr_db(X_HAT, X) > psnr_db(far, X)).all() and (ssim(X_HAT, X) > ssim(far, X)).all()


def test_against_scikit_image() -> None:
    for one, (x_hat, x) in enumerate(zip(X_HAT.double().numpy(), X.double().numpy(), strict=True)):
        assert psnr_db(X_HAT, X)[one] == pytest.approx(peak_signal_noise_ratio(x, x_hat, data_range=1.0))
        _, whole = structural_similarity(
            x, x_hat, data_range=1.0, channel_axis=0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False, full=True,
        )  # fmt: skip
        assert ssim(X_HAT, X)[one] == pytest.approx(whole[:, 5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_of_constants_has_a_closed_form() -> None:
    a, b, c1 = 0.2, 0.6, 0.01**2
    similarity = ssim(torch.full((1, 1, 16, 16), a), torch.full((1, 1, 16, 16), b))
    assert similarity.item() == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-6)
    assert ssim(X, X) == pytest.approx([1.0, 1.0])


def test_border_and_rounding() -> None:
    edge = X.clone()
    edge[..., 0] = 1 - edge[..., 0]
    assert psnr_db(edge, X, border=1).tolist() == [math.inf, math.inf]
    rounded = np.rint(X_HAT.clamp(0, 1).double().numpy() * 255), np.rint(X.double().numpy() * 255)
    assert psnr_db(X_HAT, X, uint8=True)[0] == pytest.approx(
        peak_signal_noise_ratio(rounded[1][0], rounded[0][0], data_range=255)
    )
    assert ssim(X + 0.3 / 255, (X * 255).round() / 255, uint8=False)[0] < 1


def test_luma_is_that_of_matlab() -> None:
    colours = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])[:, :, None, None]
    assert (luma(colours).flatten() * 255).tolist() == pytest.approx([16, 235, 81.481, 144.553, 40.966], abs=1e-4)


def test_misuse_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"one shape .* got \(2, 3, 40, 33\) and \(1, 3, 40, 33\)"):
        psnr_db(X, X[:1])
    with pytest.raises(ShapeError, match="at least 11 pixels inside a border of 12"):
        ssim(X, X, border=12)
    with pytest.raises(ShapeError, match="at least 1 pixels inside a border of -1"):
        psnr_db(X, X, border=-1)
    with pytest.raises(ShapeError, match=r"Luma needs RGB, \(B, 3, H, W\), got \(2, 1, 40, 33\)"):
        luma(X[:, :1])
