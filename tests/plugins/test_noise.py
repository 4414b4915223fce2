"""Noise models on synthetic noise of known truth, and a model that learns to denoise from noisy pictures alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, distributions
from vaezoo_noise.kinds import HistogramKind, MixtureKind, PoissonGaussianKind
from vaezoo_noise.mixtures import MixtureNoise, fit_mixture
from vaezoo_noise.noises import GaussianNoise, Noisy, PoissonGaussianNoise, fit_poisson_gaussian
from vaezoo_noise.tables import HIGH, LOW, HistogramNoise, fit_histogram

from vaezoo import create, create_objective
from vaezoo.core import Batch, Noise
from vaezoo.data.sets import load_images
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.testing import PluginContract

from .pictures import bars

GAIN, FLOOR = 0.02, 0.001


class TestPlugin(PluginContract):
    package = "vaezoo_noise"


def pairs(pixels: int = 200_000) -> tuple[Tensor, Tensor]:
    """Noisy and clean pixels; the noise's variance is a·s + b."""
    generator = torch.Generator().manual_seed(0)
    signal = torch.rand(pixels, generator=generator)
    spread = (GAIN * signal + FLOOR).sqrt()
    return signal + spread * torch.randn(pixels, generator=generator), signal


def truth(y: Tensor, signal: Tensor) -> Tensor:
    return distributions.Normal(signal, (GAIN * signal.clamp_min(0) + FLOOR).sqrt()).log_prob(y)


def test_written_noises_are_torchs_normal() -> None:
    y, signal = pairs(100)
    gaussian = GaussianNoise(torch.tensor(math.log(0.3)))
    torch.testing.assert_close(gaussian.log_density(y, signal), distributions.Normal(signal, 0.3).log_prob(y))
    noise = PoissonGaussianNoise(torch.tensor(math.log(GAIN)), torch.tensor(math.log(FLOOR)))
    torch.testing.assert_close(noise.log_density(y, signal), truth(y, signal), rtol=1e-4, atol=1e-4)
    below = noise.log_density(y, signal - 2)
    torch.testing.assert_close(below, distributions.Normal(signal - 2, FLOOR**0.5).log_prob(y), rtol=1e-4, atol=1e-3)


def test_gain_and_floor_are_found_again() -> None:
    noise = fit_poisson_gaussian(*pairs())
    assert float(noise.log_gain.exp()) == pytest.approx(GAIN, rel=0.03)
    assert float(noise.log_floor.exp()) == pytest.approx(FLOOR, rel=0.1)


@pytest.mark.parametrize("noise", [HistogramNoise(64), MixtureNoise(3, 2)], ids=["histogram", "mixture"])
def test_a_noise_integrates_to_one_and_begins_as_a_gaussian(noise: HistogramNoise | MixtureNoise) -> None:
    signal = torch.tensor([0.0, 0.3, 0.5123, 1.0])
    step = (HIGH - LOW) / 6400
    y = LOW + step * (torch.arange(6400) + 0.5)
    density = noise.log_density(y[:, None].expand(-1, 4), signal.expand(6400, -1)).exp()
    torch.testing.assert_close(density.sum(0) * step, torch.ones(4), rtol=0, atol=0.01)
    torch.testing.assert_close((density * y[:, None]).sum(0) * step, signal, rtol=0, atol=0.01)
    width = ((density * (y[:, None] - signal) ** 2).sum(0) * step).sqrt()
    torch.testing.assert_close(width, torch.full((4,), 0.2), rtol=0.05, atol=0)


def test_a_histogram_finds_the_noise_of_pairs() -> None:
    noise = fit_histogram(*pairs(), bins=100)
    y, signal = (t[:20_000].flip(0) for t in pairs(40_000))
    gap = (truth(y, signal) - noise.log_density(y, signal)).mean()
    assert 0 < float(gap) < 0.06  # the divergence from the truth; a Gaussian of one width is 0.1 away, see below
    flat = distributions.Normal(signal, float((y - signal).std())).log_prob(y)
    assert float((truth(y, signal) - flat).mean()) > 0.06


def test_a_mixture_finds_the_noise_of_pairs() -> None:
    noise = fit_mixture(*pairs(), components=2, degree=2, steps=300)
    y, signal = (t[:20_000].flip(0) for t in pairs(40_000))
    assert abs(float((truth(y, signal) - noise.log_density(y, signal)).mean())) < 0.03


def test_a_mixture_finds_two_humps() -> None:
    """One pixel in four is 0.5 too bright: no Gaussian is that."""
    generator = torch.Generator().manual_seed(1)
    signal = torch.rand(100_000, generator=generator)
    hot = (torch.rand(100_000, generator=generator) < 0.25).float()
    y = signal + 0.5 * hot + 0.05 * torch.randn(100_000, generator=generator)
    noise = fit_mixture(y, signal, components=2, degree=1, centred=False, steps=400)
    humps = distributions.MixtureSameFamily(
        distributions.Categorical(torch.tensor([0.75, 0.25])),
        distributions.Normal(torch.tensor([0.0, 0.5]), torch.tensor([0.05, 0.05])),
    )
    gap = humps.log_prob(y - signal).mean() - noise.log_density(y, signal).mean()
    assert abs(float(gap)) < 0.05


@pytest.mark.parametrize("noise", [HistogramNoise(), MixtureNoise(), GaussianNoise(torch.tensor(-2.0))])
def test_rows_crop_and_gradients(noise: HistogramNoise | MixtureNoise | GaussianNoise) -> None:
    image = torch.rand(6, 1, 4, 5, requires_grad=True)
    x = 2 * torch.rand(2, 1, 4, 5) - 0.5
    belief = Noisy(image, noise)
    value = belief.log_prob(x)
    assert value.shape == (3, 2) and belief.scale is None
    alone = Noisy(image[1::2], noise).log_prob(x[1:])
    torch.testing.assert_close(alone[:, 0], value[:, 1])
    assert belief.crop((2, 3)).log_prob(x[..., :2, :3]).shape == (3, 2)
    for y in (0.0, 1.0, 0.25, 40.0, -40.0):
        image.grad = None
        Noisy(image, noise).log_prob(torch.full((2, 1, 4, 5), y)).sum().backward()
        assert image.grad is not None and image.grad.isfinite().all()
    with torch.no_grad():
        lower = Noisy(image - 0.3, noise).log_prob(image[:2])[0]
        assert (belief.log_prob(image[:2])[0] > lower).all()


def test_a_fitted_noise_goes_into_a_model_and_its_file() -> None:
    model = create("divnoising", decoder={"likelihood": "vaezoo_noise.kinds:HistogramKind(bins=32)"}, seed=0)
    fitted = fit_histogram(*pairs(1000), bins=32)
    model.decoder.head.form.use(fitted)
    assert torch.equal(model.state_dict()["decoder.head.form.noise.log_table"], fitted.log_table)
    with pytest.raises(IncompatibleParts, match=r"a fitted noise with log_table of \(64, 64\), got \(32, 32\)"):
        HistogramKind().use(fitted)
    form, off = MixtureKind(components=2), fit_mixture(*pairs(500), components=2, centred=False, steps=2)
    with pytest.raises(IncompatibleParts, match="a fitted noise with centred=True, got False"):
        form.use(off)
    MixtureKind(components=2, centred=False).use(off)
    with pytest.raises(IncompatibleParts, match="a fitted noise with polynomials"):
        form.use(MixtureNoise(4))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Expected floor as a number above 0, or 'learned', got 0"):
        PoissonGaussianKind(floor=0)
    with pytest.raises(ConfigError, match=r"Expected at least 2 bins and a sigma above 0, got 1, 0\.2"):
        HistogramNoise(1)
    with pytest.raises(ConfigError, match="Expected a component, a degree of at least 0 and a sigma above 0, got 0"):
        MixtureNoise(0)
    with pytest.raises(ShapeError, match=r"Expected noisy and clean pixels of one shape, got \(3,\) and \(2,\)"):
        fit_histogram(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ConfigError, match="Expected smooth above 0, got 0"):
        fit_histogram(torch.zeros(3), torch.zeros(3), smooth=0)


@pytest.mark.long
def test_noisy_digits_alone_teach_a_ladder_denoising(data_folders: object) -> None:
    """400 steps of 16 on MNIST under noise of 0.4: the mean of 20 samples gains 5 dB or more (measured: 7.5)."""
    mnist, test = (
        torch.from_numpy(np.stack(load_images(name, gray=True).pixels[:rows])).movedim(3, 1).float() / 255
        for name, rows in (("mnist", 6000), ("mnist-test", 64))
    )
    torch.manual_seed(0)
    objective = create_objective("hdn", seed=0, decoder={"scale": 0.4})
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    noisy = mnist + 0.4 * torch.randn(mnist.shape)
    for step in range(400):
        loss = objective(Batch(noisy[torch.randint(6000, (16,))]), step).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(objective.parameters(), 100.0)
        optimiser.step()
    y = test + 0.4 * torch.randn(test.shape)
    restored = objective.model.eval().restore(y, samples=20, noise=Noise(seed=0))
    assert restored.average is not None
    assert psnr(restored.average, test) > psnr(y, test) + 5


def psnr(x_hat: Tensor, x: Tensor) -> float:
    return float(-10 * torch.log10(((x_hat.clamp(0, 1) - x) ** 2).mean()))


def test_noisy_pictures_alone_teach_denoising() -> None:
    """No clean picture is shown; the mean path's error is under a fifth of the noise's."""
    torch.manual_seed(0)
    objective = create_objective("divnoising", seed=0, decoder={"scale": 0.3})
    optimiser = torch.optim.AdamW(objective.parameters(), lr=2e-3)
    for step in range(150):
        loss = objective(Batch(bars(16, step) + 0.3 * torch.randn(16, 1, 28, 28)), step).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    clean = bars(32, 999)
    noisy = clean + 0.3 * torch.randn(clean.shape)
    restored = objective.model.eval().restore(noisy, samples=4)
    assert restored.scale is None and restored.spread is not None and restored.spread.mean() > 0
    assert float(((restored.image - clean) ** 2).mean()) < 0.2 * 0.3**2
