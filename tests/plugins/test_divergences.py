"""The measures of a batch's latents against known values, and the losses and models made of them."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Tensor
from vaezoo_divergences.correlation import TotalCorrelationLoss, log_aggregate, log_shares
from vaezoo_divergences.distances import InfoLoss, MMDLoss, maximum_mean_discrepancy, sliced_distance
from vaezoo_divergences.moments import DIPMeansLoss, covariance, distance_from_identity

from tests.core.toy import SIZE, linear_vae
from vaezoo import create, create_objective
from vaezoo.core import VAE, Batch, Dirac, Encoder, NormalPrior, Terms
from vaezoo.core.beliefs.posterior import gaussian_log_prob
from vaezoo.errors import ConfigError, IncompatibleParts, TrainingError
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_divergences"


class TestTotalCorrelation(ModelContract):
    model = "beta-tc-vae"


class TestStratified(ModelContract):
    model = "beta-tc-vae"
    params = {"loss": {"estimator": "stratified"}}


class TestDIPMeans(ModelContract):
    model = "dip-vae-i"


class TestDIPSamples(ModelContract):
    model = "dip-vae-ii"


class TestInfo(ModelContract):
    model = "info-vae"


class TestMMDAlone(ModelContract):
    model = "mmd-vae"


class TestMMD(ModelContract):
    model = "wae-mmd"


class TestSliced(ModelContract):
    model = "swae"


def normal(rows: int, width: int, seed: int) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def terms(loss: dict[str, Any], images: int = 8) -> Terms:
    objective = create_objective("mlp-vae", seed=0, latent_channels=4, loss=loss)
    torch.manual_seed(0)
    return objective(Batch(torch.rand(images, 1, 28, 28, generator=torch.Generator().manual_seed(0))), 0)


# Total correlation


def test_total_correlation_of_a_correlated_gaussian() -> None:
    """Beliefs N(μ, ½) about μ ~ N(0, Σ − ½) are N(0, Σ) together, whose TC is −½ log det Σ at unit variances."""
    rho, rows = 0.45, 3000
    root = torch.linalg.cholesky(torch.tensor([[0.5, rho], [rho, 0.5]]))
    mean, logvar = normal(rows, 2, 0) @ root.T, torch.full((rows, 2), math.log(0.5))
    z = mean + math.sqrt(0.5) * normal(rows, 2, 1)
    joint, alone = log_aggregate(z, mean, logvar, log_shares(rows, rows, "stratified"))
    each, exact = joint - alone, -0.5 * math.log(1 - rho**2)
    assert float(each.mean()) == pytest.approx(exact, abs=4 * float(each.std()) / rows**0.5)
    assert float(each.std()) / rows**0.5 < 0.1 * exact, "an estimate this wide says nothing"


def test_stratified_shares_are_unbiased() -> None:
    """Over every batch of 3 out of 5 images, the estimate of q(z) has the true one as its mean."""
    mean, logvar, z = normal(5, 2, 0), 0.3 * normal(5, 2, 1), normal(1, 2, 2)
    exact = gaussian_log_prob(z, mean, logvar).sum(1).exp().mean()
    shares = log_shares(3, 5, "stratified")
    torch.testing.assert_close(shares.exp().sum(1), torch.ones(3))
    found = []
    for own in range(5):
        batches = [p for p in permutations(range(5), 3) if p[0] == own]
        rows = [log_aggregate(z.expand(3, 2), mean[list(p)], logvar[list(p)], shares)[0][0].exp() for p in batches]
        found.append(torch.stack(rows).mean())
    torch.testing.assert_close(torch.stack(found).mean(), exact)


def test_weighted_shares_are_smaller_by_the_size_of_the_data() -> None:
    mean, logvar, z = normal(6, 3, 0), 0.3 * normal(6, 3, 1), normal(6, 3, 2)
    even = torch.full((6, 6), -math.log(6))
    exact, weighted = (log_aggregate(z, mean, logvar, s) for s in (even, log_shares(6, 100, "weighted")))
    torch.testing.assert_close(weighted[0], exact[0] - math.log(100))
    torch.testing.assert_close(weighted[1], exact[1] - 3 * math.log(100))


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
def test_the_three_parts_add_up_to_the_rate(estimator: str) -> None:
    """Of one sample: log q(z|x) − log p(z). Weighed by 1 they are the bound, and β weighs the second."""
    parts = ("mutual_information", "total_correlation", "dimension_rate")
    even, uneven = (terms({"name": "beta-tc", "beta": beta, "estimator": estimator}) for beta in (1.0, 3.0))
    objective = create_objective("mlp-vae", seed=0, latent_channels=4)
    torch.manual_seed(0)
    bound = objective.model(Batch(torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))))
    rate = (bound.latents.log_q - bound.latents.log_p).mean()
    assert sum(float(even.reports[p]) for p in parts) == pytest.approx(float(rate.detach()), abs=1e-3)
    torch.testing.assert_close(even.loss, bound.distortion.mean() + rate, rtol=1e-5, atol=1e-3)
    gap = uneven.loss.detach() - even.loss.detach()
    torch.testing.assert_close(gap, 2 * even.reports["total_correlation"], rtol=1e-4, atol=1e-3)


# Moments


def test_the_distance_of_a_covariance() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])  # covariance [[1, 2], [2, 4]]
    torch.testing.assert_close(covariance(rows), torch.tensor([[1.0, 2.0], [2.0, 4.0]]))
    assert float(distance_from_identity(covariance(rows), 3.0, 5.0)) == pytest.approx(3 * 8 + 5 * 9)
    assert float(distance_from_identity(torch.eye(3), 3.0, 5.0)) == 0


@pytest.mark.parametrize(("name", "with_variance"), [("dip-i", False), ("dip-ii", True)])
def test_what_the_two_variants_measure(name: str, with_variance: bool) -> None:
    found = terms({"name": name, "off_diagonal": 2.0, "diagonal": 7.0})
    model = create_objective("mlp-vae", seed=0, latent_channels=4).model
    belief = model.encode(torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0)))
    matrix = torch.cov(belief.mean.T, correction=0) + with_variance * belief.logvar.exp().mean(0).diag()
    own = matrix.diagonal()
    expected = 2 * (matrix - own.diag()).square().sum() + 7 * (own - 1).square().sum()
    torch.testing.assert_close(found.reports["covariance_distance"], expected.detach())
    torch.testing.assert_close(found.loss.detach(), expected.detach() - found.reports["elbo"])


# Distances


@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_equal_laws_have_no_discrepancy_and_others_have(kernel: str) -> None:
    """In the mean over 200 pairs of sets; each value alone may be below zero."""
    found = torch.stack(
        [maximum_mean_discrepancy(normal(20, 3, 2 * i), normal(20, 3, 2 * i + 1), kernel) for i in range(200)]
    )
    error = 4 * found.std() / 200**0.5
    assert found.mean().abs() < error and (found < 0).any()
    assert maximum_mean_discrepancy(normal(200, 3, 0), normal(200, 3, 1) + 1, kernel) > 5 * error


@pytest.mark.parametrize(("width", "shift"), [(2, 1.0), (5, 0.7)])
def test_the_discrepancy_of_shifted_gaussians(width: int, shift: float) -> None:
    """For exp(−r²/D): E k = (D/(D+4))^{D/2} exp(−‖m‖²/(D+4)), as a difference of the two is N(m, 2)."""
    exact = 2 * (width / (width + 4)) ** (width / 2) * (1 - math.exp(-width * shift**2 / (width + 4)))
    found = [maximum_mean_discrepancy(normal(300, width, 2 * i), normal(300, width, 2 * i + 1) + shift, "rbf")
             for i in range(30)]  # fmt: skip
    error = float(torch.stack(found).std()) / 30**0.5
    assert float(torch.stack(found).mean()) == pytest.approx(exact, abs=4 * error)
    assert error < 0.05 * exact


def test_the_inverse_multiquadric_of_two_points() -> None:
    """Two sets of one point twice, at distance √2 in one dimension: 2·Σ_s (1 − 2s/(2s + 2))."""
    a, b = torch.zeros(2, 1), torch.full((2, 1), math.sqrt(2))
    exact = 2 * sum(1 - 2 * s / (2 * s + 2) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    assert float(maximum_mean_discrepancy(a, b, "imq")) == pytest.approx(exact, rel=1e-5)


def test_the_sliced_distance_of_gaussians() -> None:
    """‖m‖²/D for a shift, (s − 1)² for a scale, 0 for the same points in another order."""
    torch.manual_seed(0)
    rows = normal(4000, 3, 0)
    assert float(sliced_distance(rows, rows.flip(0), 50)) == pytest.approx(0, abs=1e-9)
    shift = torch.tensor([1.0, 2.0, -1.0])
    assert float(sliced_distance(rows, normal(4000, 3, 1) + shift, 4000)) == pytest.approx(2.0, abs=0.15)
    assert float(sliced_distance(rows, 3 * normal(4000, 3, 1), 500)) == pytest.approx(4.0, abs=0.2)


def test_the_sums_of_the_losses() -> None:
    found = terms({"name": "info", "alpha": 0.25, "weight": 10.0})
    r = {name: float(value) for name, value in found.reports.items()}
    assert float(found.loss.detach()) == pytest.approx(r["distortion"] + 0.75 * r["rate"] + 9.25 * r["mmd"], rel=1e-5)
    for name, measure in (("wae-mmd", "mmd"), ("swae", "sliced_distance")):
        found = terms({"name": name, "weight": 40.0})
        expected = found.reports["distortion"] + 40 * found.reports[measure]
        torch.testing.assert_close(found.loss.detach(), expected)
        assert "elbo" not in found.reports, "it is no bound"


class PointEncoder(Encoder):
    channels, size = 1, SIZE

    def forward(self, image: Tensor, context: Any) -> Dirac:
        return Dirac(image.flatten(1)[:, :2])


def points() -> VAE:
    return VAE(encoder=PointEncoder(), prior=NormalPrior(2), decoder=linear_vae().decoder)


def test_points_are_taken_by_distances_and_refused_by_what_needs_a_variance() -> None:
    batch = Batch(torch.rand(4, 1, *SIZE))
    assert MMDLoss()(points(), batch, 0).loss.isfinite()
    for loss in (TotalCorrelationLoss(), DIPMeansLoss()):
        with pytest.raises(IncompatibleParts, match="which has a mean and a variance per latent, got Dirac"):
            loss(points(), batch, 0)
    with pytest.raises(IncompatibleParts, match="'wae-mmd' takes a density or dirac or gaussian belief, but"):
        create("denoise", loss="wae-mmd")
    with pytest.raises(IncompatibleParts, match="'wae-mmd' needs a posterior, but the decoder 'residual' stands"):
        create("denoise", encoder=None, loss="wae-mmd")


@pytest.mark.parametrize("name", ["beta-tc", "dip-i", "dip-ii", "info", "wae-mmd", "swae"])
def test_one_image_is_refused(name: str) -> None:
    with pytest.raises(TrainingError, match=r"a batch of at least 2 images, .* got 1\. Raise batch"):
        terms({"name": name}, images=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TotalCorrelationLoss(estimator="stratifed"), "got 'stratifed'. Did you mean 'stratified'"),
        (lambda: InfoLoss(alpha=1.5), "Expected alpha of at most 1, got 1.5"),
        (lambda: InfoLoss(weight=0.5), "Expected weight of at least 1, got 0.5"),
        (lambda: MMDLoss(kernel="imk"), "Expected a kernel, got 'imk'. Did you mean 'imq'"),
    ],
)
def test_borders_of_their_settings(make: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)
