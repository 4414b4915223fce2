"""The losses against hand-made sums."""

from __future__ import annotations

import math
from typing import Any, final

import pytest
import torch
from torch import Tensor, nn

from vaezoo import create
from vaezoo.core import (
    VAE,
    Batch,
    Context,
    Decoder,
    ELBOLoss,
    Gaussian,
    ImageConditioner,
    Laplace,
    Likelihood,
    Loss,
    Noise,
    NormalPrior,
    Objective,
    Phase,
    RestorationLoss,
    Terms,
)
from vaezoo.core.losses.restoration import _ranked_score, ranked_score, widened
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError, TrainingError
from vaezoo.evaluate import crps_gaussian

from .toy import NOISE, PIXELS, SIZE, LinearEncoder, linear_vae, loading

X = torch.rand(4, 1, *SIZE, generator=torch.Generator().manual_seed(0))


def terms(loss: Loss, step: int = 0) -> Terms:
    torch.manual_seed(1)
    result: Terms = loss(linear_vae(), Batch(X), step)
    return result


def reported(found: Terms, name: str) -> float:
    return float(found.reports[name])


def test_the_bound_as_a_loss() -> None:
    found = terms(ELBOLoss())
    assert float(found.loss.detach()) == pytest.approx(-reported(found, "elbo"))
    assert reported(found, "elbo") == pytest.approx(-reported(found, "distortion") - reported(found, "rate"), abs=1e-4)


def test_the_distortion_is_minus_the_log_likelihood_by_hand() -> None:
    found = terms(ELBOLoss())
    torch.manual_seed(1)
    z = linear_vae()(Batch(X)).latents.z[0][0]
    squares = ((X.flatten(1) - z @ loading().T) ** 2).sum(1) / NOISE**2
    distortion = 0.5 * (squares + PIXELS * math.log(2 * math.pi * NOISE**2)).mean()
    assert reported(found, "distortion") == pytest.approx(float(distortion.detach()), rel=1e-5)
    assert float(found.loss.detach()) == pytest.approx(float(distortion.detach()) + reported(found, "rate"), rel=1e-5)


@pytest.mark.parametrize(("step", "beta"), [(0, 0.5), (1, 1.0), (3, 2.0), (99, 2.0)])
def test_beta_warms_up(step: int, beta: float) -> None:
    found = terms(ELBOLoss(beta=2.0, warmup=4), step)
    assert reported(found, "beta") == pytest.approx(beta)
    expected = reported(found, "distortion") + beta * reported(found, "rate")
    assert float(found.loss.detach()) == pytest.approx(expected, rel=1e-5)


def test_free_nats_are_a_floor_under_the_rate() -> None:
    found = terms(ELBOLoss(free_nats=50.0))
    assert float(found.loss.detach()) == pytest.approx(reported(found, "distortion") + 50)
    assert reported(found, "rate") < 50
    plain, unfloored = terms(ELBOLoss()), terms(ELBOLoss(free_nats=0.01))
    assert float(plain.loss.detach()) == pytest.approx(float(unfloored.loss.detach()))


def test_free_nats_are_a_floor_under_the_mean_of_a_batch_and_not_under_each_image() -> None:
    batch, model = Batch(torch.cat([X * 0, X + 1])), linear_vae()
    rates = model(batch, noise=Noise(seed=0)).latents.rate[0].detach()
    floor = 0.5 * float(rates.min() + rates.mean())
    assert float(rates.clamp_min(floor).mean()) > float(rates.mean()) + 0.05  # what a floor an image would cost
    found = ELBOLoss(free_nats=floor)(model, batch, 0)
    cost = float(found.loss.detach()) - reported(found, "distortion")
    assert cost == pytest.approx(float(rates.mean()), rel=1e-4)


def test_more_samples_are_averaged() -> None:
    assert float(terms(ELBOLoss(samples=64)).loss.detach()) == pytest.approx(
        -float(linear_vae()(Batch(X), k=64, noise=Noise(seed=0)).elbo.detach().mean()), abs=0.5
    )


@final
class Residual(Decoder):
    """y + b + a·z₀, with a scale and a likelihood of choice."""

    def __init__(self, kind: type = Gaussian) -> None:
        super().__init__()
        self.channels, self.size, self.kind = 1, SIZE, kind
        self.gain, self.shift = nn.Parameter(torch.tensor(0.1)), nn.Parameter(torch.tensor(0.0))
        self.logvar = nn.Parameter(torch.tensor(-3.0))

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        assert context.image is not None
        mean = context.image + self.shift + self.gain * state[:, :1, None, None]
        likelihood: Likelihood = self.kind(mean, self.logvar)
        return likelihood


def restorer(kind: type = Gaussian) -> VAE:
    parts: dict[str, Any] = {"encoder": LinearEncoder(), "prior": NormalPrior(2), "decoder": Residual(kind)}
    return VAE(**parts, conditioner=ImageConditioner(1), encodes="target")


def test_restoration_is_its_three_terms() -> None:
    y = X + 0.1
    model = restorer()
    found = RestorationLoss(20.0, 0.05, 0.0)(model, Batch(y, X), 0)
    error = torch.full_like(X, 0.01)  # the mean path gives y itself
    weight = 1 / (0.1 + 5 / 255)
    scale = 0.5 * (error * torch.exp(torch.tensor(3.0)) - 3).mean()
    assert float(found.loss.detach()) == pytest.approx(float(20 * weight * 0.01 + 0.05 * scale), rel=1e-4)
    assert reported(found, "psnr_db") == pytest.approx(20.0, abs=1e-3)
    torch.manual_seed(2)
    whole = RestorationLoss(20.0, 0.05, 0.3, beta=2.0)(model, Batch(y, X), 0)
    cost = (reported(whole, "distortion") + 2 * reported(whole, "rate")) / X[0].numel()
    bound = 0.3 * 40 * weight * torch.exp(torch.tensor(-3.0)) * cost
    assert float((whole.loss - found.loss).detach()) == pytest.approx(float(bound), rel=1e-3)


@pytest.mark.parametrize("robust", [False, True])
def test_the_scale_learns_from_errors_that_do_not_learn_from_it(robust: bool) -> None:
    """The mean's gradient is its own term's, also where the scale is wrong: sg(e²), and sg(σ) of the ranked score."""
    model = restorer()
    RestorationLoss(0.0, 1.0, 0.0, robust=robust)(model, Batch(X + 0.1, X), 0).loss.backward()
    assert model.decoder.shift.grad is None or float(model.decoder.shift.grad) == 0
    error, logvar = torch.tensor(0.1), torch.tensor(-3.0, requires_grad=True)
    if robust:
        (ranked_score(error, torch.exp(0.5 * logvar)) * math.exp(1.5)).backward()
    else:
        (0.5 * (error**2 * torch.exp(-logvar) + logvar)).backward()
    assert logvar.grad is not None and model.decoder.logvar.grad is not None
    assert float(model.decoder.logvar.grad) == pytest.approx(float(logvar.grad), rel=1e-3)


def test_the_variance_that_weighs_the_bound_has_no_gradient() -> None:
    model, batch = restorer(), Batch(X + 0.1, X)
    torch.manual_seed(2)
    RestorationLoss(0.0, 0.0, 1.0)(model, batch, 0).loss.backward()
    torch.manual_seed(2)
    seen = model(batch).likelihood
    variance = math.exp(-3.0)
    slope = 0.5 * (1 - (X - seen.image) ** 2 / variance).mean((1, 2, 3))  # of D/n by log σ²
    expected = (40 / (0.1 + 5 / 255) * variance * slope).mean()
    assert model.decoder.logvar.grad is not None
    assert float(model.decoder.logvar.grad) == pytest.approx(float(expected.detach()), rel=1e-3)


def test_a_noisy_target_widens_the_likelihood_and_not_the_stated_scale() -> None:
    model, y = restorer(), X + 0.1
    plain = RestorationLoss(0.0, 1.0, 0.0)(model, Batch(y, X), 0)
    noise = torch.full((4,), 0.3)
    noisy = RestorationLoss(0.0, 1.0, 0.0)(model, Batch(y, X, info={"target_sigma": noise}), 0)
    variance = float(torch.exp(torch.tensor(-3.0))) + 0.3**2
    expected = 0.5 * (0.01 / variance + torch.log(torch.tensor(variance)))
    assert float(noisy.loss.detach()) == pytest.approx(float(expected), rel=1e-4)
    assert float(plain.loss.detach()) != pytest.approx(float(noisy.loss.detach()), rel=1e-2)
    assert reported(noisy, "psnr_db") == pytest.approx(100.0)  # less error than the target's own noise
    wide = widened(Gaussian(X, torch.full((1,), -3.0)), noise)
    torch.testing.assert_close(wide.scale**2, torch.full_like(X, variance))
    bound = RestorationLoss(0.0, 0.0, 1.0)(model, Batch(y, X, info={"target_sigma": torch.full((4,), 10.0)}), 0)
    assert torch.isfinite(bound.loss)
    entropy = 0.5 * math.log(2 * math.pi * 10.0**2)  # of the noise, beside which all else is little
    assert reported(bound, "distortion") / X[0].numel() == pytest.approx(entropy, rel=1e-3)


def test_the_bound_is_skipped_between_its_steps_and_weighs_more() -> None:
    model, batch = restorer(), Batch(X + 0.1, X)
    loss = RestorationLoss(bound_every=2)
    assert "elbo" not in loss(model, batch, 1).reports
    mean = float(loss(model, batch, 1).loss.detach())
    found = []
    for every in (1, 2):
        torch.manual_seed(0)
        found.append(float(RestorationLoss(bound_every=every)(model, batch, 0).loss.detach()) - mean)
    assert found[1] == pytest.approx(2 * found[0], rel=1e-4)


def test_mirrored_samples_are_held_to_the_target_by_their_mean() -> None:
    model, batch = restorer(), Batch(X + 0.1, X)
    plain = RestorationLoss(bound_weight=0, bound_every=3)
    held = RestorationLoss(bound_weight=0, bound_every=3, sample_weight=2.0)
    assert torch.equal(held(model, batch, 1).loss, plain(model, batch, 1).loss)
    found = held(model, batch, 3)
    off = float((found.loss - plain(model, batch, 3).loss).detach()) * (0.1 + 5 / 255) / (2 * 3)
    assert -10 * torch.log10(torch.tensor(off)) == pytest.approx(reported(found, "pair_psnr_db"), abs=1e-3)


def test_a_margin_leaves_the_edge_out_of_scale_and_distortion() -> None:
    model = create("denoise", widths=[8, 8], latents=[2, 2], evidence=[4, 4], blocks=1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    x = torch.rand((2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    spoilt, y = x.clone(), x + 0.05
    spoilt[..., :2, :] = 1 - spoilt[..., :2, :]
    for margin, alike in ((0, False), (1, False), (2, True)):
        one, other = (RestorationLoss(0.0, 1.0, 0.0, margin=margin)(model, Batch(y, t), 0).loss for t in (x, spoilt))
        assert torch.equal(one, other) == alike
    torch.manual_seed(1)
    found = RestorationLoss(0.0, 0.0, 1.0, margin=2)(model, Batch(y, x), 0).loss
    torch.manual_seed(1)
    bound = model(Batch(y, x))
    seen = bound.likelihood
    assert isinstance(seen, Gaussian)
    square = 0.5 * ((x - seen.image) ** 2 * (-seen.logvar).exp() + seen.logvar + math.log(2 * math.pi))
    cost = square[..., 2:-2, 2:-2].mean((1, 2, 3)) + bound.rate / x[0].numel()
    weight = 40 / (0.05 + 5 / 255) * seen.scale.square().mean((1, 2, 3))
    assert float(found.detach()) == pytest.approx(float((weight * cost).mean().detach()), rel=1e-4)
    with pytest.raises(ShapeError, match=r"more than 16 pixels for a margin of 8, got 16×16"):
        RestorationLoss(margin=8)(model, Batch(y, x), 0)


def test_a_robust_scale_is_the_ranked_score_and_outliers_do_not_sway_it() -> None:
    error = torch.linspace(-3, 3, 13)
    for logvar in (-2.0, 0.0, 1.0):
        scale = torch.full_like(error, math.exp(logvar / 2))
        score = (_ranked_score(error**2, torch.full_like(error, logvar)) * scale).mean()
        assert float(score) == pytest.approx(crps_gaussian(error, scale), rel=1e-5)
    normal = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    spoilt = torch.cat([normal, torch.full((1000,), 50.0)])
    for errors, largest in ((normal, 0.01), (spoilt, 0.03)):
        guess = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.Adam([guess], lr=0.05)
        for _ in range(100):
            optimiser.zero_grad()
            _ranked_score(errors**2, guess).mean().backward()
            optimiser.step()
        assert abs(float(guess.detach())) < largest  # the log score would state a variance of 13
    found = RestorationLoss(0.0, 1.0, 0.0, robust=True)(restorer(), Batch(X + 0.1, X), 0)
    assert torch.isfinite(found.loss)


def test_the_mean_of_a_pair_is_freer_of_noise_and_its_spread_is_the_samples_own() -> None:
    model, y = restorer(), torch.full_like(X, 0.5)
    pair = model.restore(y, samples=2, keep=True, noise=Noise(seed=3, paired=True))
    torch.testing.assert_close(pair.average, pair.image)  # what is linear in the noise cancels
    torch.testing.assert_close(pair.spread, (pair.samples[0] - y).abs())
    many = model.restore(y, samples=2000, noise=Noise(seed=3, paired=True))
    assert float(many.spread.mean()) == pytest.approx(0.1, rel=0.05)


def test_another_likelihood_is_refused() -> None:
    with pytest.raises(IncompatibleParts, match="takes a Gaussian likelihood, but the decoder gives Laplace"):
        RestorationLoss()(restorer(Laplace), Batch(X), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ELBOLoss(beta=-1), "Expected beta of at least 0, got -1"),
        (lambda: ELBOLoss(samples=0), "Expected samples of at least 1, got 0"),
        (lambda: ELBOLoss(free_nats=float("nan")), "Expected free_nats of at least 0, got nan"),
        (lambda: RestorationLoss(bound_every=0), "Expected bound_every of at least 1, got 0"),
    ],
)
def test_settings_have_minimums(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_parameter_that_no_phase_trains_is_refused() -> None:
    loss = ELBOLoss()
    loss.phases = (Phase("decoder", ("model.decoder", "loss")),)
    with pytest.raises(TrainingError, match=r"got 1 in none, such as 'model.encoder.gain'"):
        Objective(linear_vae(), loss)
    model = linear_vae()
    model.requires_grad_(False)
    Objective(model, loss)


def test_a_loss_that_freezes_leaves_what_no_phase_trains() -> None:
    loss, model = ELBOLoss(), linear_vae()
    loss.phases, loss.freezes = (Phase("decoder", ("model.decoder", "loss")),), True
    Objective(model, loss)
    assert not model.encoder.gain.requires_grad  # type: ignore[union-attr]
