"""Metrics by name, against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.core import VAE, Context, DiagonalGaussian, Encoder, NormalPrior, OptimalGaussian, kl
from vaezoo.errors import ConfigError, NotNormalised, ShapeError, UnknownName
from vaezoo.evaluate.data import Data, Trial
from vaezoo.evaluate.distances import frechet_distance, kernel_distance
from vaezoo.evaluate.information import aggregate_log_prob
from vaezoo.evaluate.memory import rows_within
from vaezoo.evaluate.metrics import Metric

from . import linear

WIDER = 2.0


class WideEncoder(Encoder):
    """The exact posterior with twice its variance, so that bounds are loose by a known number of nats."""

    channels, size = 1, (linear.SIDE, linear.SIDE)

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        exact = linear.LinearEncoder()(image, context)
        return DiagonalGaussian(exact.mean, exact.logvar + math.log(WIDER))


def loose() -> VAE:
    return VAE(encoder=WideEncoder(), prior=NormalPrior(2), decoder=linear.LinearDecoder()).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(300, 1, 2, 2, generator=torch.Generator().manual_seed(1))


def test_the_package_can_be_called_and_imported_from(images: Tensor) -> None:
    from vaezoo.evaluate import evaluate_likelihood

    found = vaezoo.evaluate(linear.model(), images)
    assert found["elbo@1.elbo_nats"] == evaluate_likelihood(linear.model(), images)["elbo_nats"]
    assert found["elbo@1.bits_per_dim"] == pytest.approx(-found["elbo@1.elbo_nats"] / 4 / math.log(2))


def test_likelihood_is_exact_and_ordered_in_k(images: Tensor) -> None:
    """K=1 is the bound, whose expectation is known; K=1000 is the likelihood; each within its own standard error."""
    exact = linear.exact_nll(images)
    belief, wide = linear.model().encode(images), loose().encode(images)
    gap = kl(wide, belief).mean().item()  # type: ignore[arg-type]
    found = {}
    for k in (1, 10, 1000):
        each = torch.stack(
            [loose().nll(vaezoo.core.Batch(images), k=k, noise=vaezoo.core.Noise(seed=s)) for s in (0, 1)]
        )
        error = (each - exact).mean(0)
        found[k] = (error.mean().item(), error.std().item() / len(error) ** 0.5)
        report = vaezoo.evaluate(loose(), images, ["nll"], samples=k)
        assert report["nll@1.nats"] == pytest.approx(each[0].mean().item(), abs=1e-4) and report["nll@1.samples"] == k
    assert gap == pytest.approx(0.5 * 2 * (WIDER - 1 - math.log(WIDER)), abs=1e-4)
    assert abs(found[1][0] - gap) < 3 * found[1][1]
    assert abs(found[10][0] - expected_gap(10)) < 3 * found[10][1]
    assert abs(found[1000][0] - expected_gap(1000)) < 3 * found[1000][1] and abs(found[1000][0]) < 0.005
    assert found[1][0] > found[10][0] > found[1000][0] - 3 * found[1000][1]


def expected_gap(k: int) -> float:
    """E[NLL_K] − NLL by Monte Carlo of its own: the weights are N(z; 0, I)/N(z; 0, 2I), whatever the image."""
    rng = np.random.default_rng(0)
    z2 = WIDER * (rng.standard_normal((200_000 * 10 // k + 500, k, 2)) ** 2).sum(2)
    log_weight = math.log(WIDER) - z2 / 2 * (1 - 1 / WIDER)
    return float(-np.log(np.exp(log_weight).mean(1)).mean())


def test_memory_changes_nothing_but_the_pieces(images: Tensor) -> None:
    model, x = vaezoo.create("mlp-vae", seed=0).eval(), torch.rand(6, 1, 28, 28).round()
    seen: list[int] = []
    hook = next(m for m in model.decoder.modules() if isinstance(m, nn.Linear)).register_forward_hook(
        lambda module, given, out: seen.append(len(out))
    )
    whole = vaezoo.evaluate(model, x, ["nll"], samples=50)
    assert max(seen) == 6 * 50
    seen.clear()
    rows = rows_within(model, x[:1], 1)
    pieces = vaezoo.evaluate(model, x, ["nll"], samples=50, max_mib=1)
    hook.remove()
    assert 6 <= max(seen) <= rows < 300 and sum(seen) >= 300
    assert pieces["nll@1.nats"] == pytest.approx(whole["nll@1.nats"], abs=1e-3)
    assert rows_within(model, x[:1], 1e-6) == 1
    with pytest.raises(ConfigError, match="max_mib above 0, got 0"):
        rows_within(model, x[:1], 0)


def test_half_precision_measures_nearly_the_same(images: Tensor) -> None:
    model = vaezoo.create("mlp-vae", pretrained=True)
    x = (torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(3)) < 0.3).float()
    single, half = (vaezoo.evaluate(model, x, ("nll",), samples=200, precision=p) for p in ("fp32", "bf16"))
    assert half["nll@1.nats"] != single["nll@1.nats"]
    assert half["nll@1.nats"] == pytest.approx(single["nll@1.nats"], rel=1e-3)
    codes = [vaezoo.evaluate(model, x, ("mutual-information", "psnr"), precision=p) for p in ("fp32", "bf16")]
    assert codes[0] == codes[1]
    with pytest.raises(ConfigError, match="fp32 or bf16, got 'fp8'"):
        vaezoo.evaluate(linear.model(), images, precision="fp8")


def test_rate_is_information_and_marginal_kl(images: Tensor) -> None:
    many = linear_images(3000)
    found = vaezoo.evaluate(linear.model(), many, ["mutual-information", "elbo", "active-units"])
    parts = found["mutual-information@1.information_nats"] + found["mutual-information@1.marginal_kl_nats"]
    assert parts == pytest.approx(found["elbo@1.rate_nats"], abs=0.1)
    # The model's own images: q(z) is the prior, and I = ½ Σ log 1/σ².
    logvar = linear.model().encode(many[:1]).logvar  # type: ignore[union-attr]
    assert found["mutual-information@1.information_nats"] == pytest.approx(-0.5 * logvar.sum().item(), abs=0.06)
    assert abs(found["mutual-information@1.marginal_kl_nats"]) < 0.06 and found["active-units@1"] == 1


def linear_images(n: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(n, 2, generator=generator)
    x = z @ linear.weight().T + math.exp(linear.LOGVAR / 2) * torch.randn(n, 4, generator=generator)
    return x.view(n, 1, 2, 2)


def test_the_aggregate_is_the_mixture() -> None:
    mean, logvar, z = torch.randn(7, 3), torch.randn(7, 3), torch.randn(5, 3)
    parts = torch.distributions.Independent(torch.distributions.Normal(mean, (logvar / 2).exp()), 1)
    exact = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.ones(7)), parts).log_prob(z)
    for mib in (512, 1e-4):
        assert torch.allclose(aggregate_log_prob(z, mean, logvar, max_mib=mib).float(), exact, atol=1e-4)


def test_frechet_distance_agrees_with_scipy() -> None:
    scipy = pytest.importorskip("scipy.linalg")
    one, two = torch.randn(500, 4).double(), (torch.randn(400, 4) @ torch.randn(4, 4) + 1).double()
    c1, c2 = one.T.cov().numpy(), two.T.cov().numpy()
    exact = ((one.mean(0) - two.mean(0)) ** 2).sum().item() + np.trace(c1 + c2 - 2 * scipy.sqrtm(c1 @ c2).real)
    assert frechet_distance(one, two) == pytest.approx(exact, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one, one + 2) == pytest.approx(16)


def test_kernel_distance_has_no_bias_and_is_the_sum_over_pairs() -> None:
    x, y = torch.randn(5, 3), torch.randn(4, 3) + 1
    k = lambda a, b: (float(a @ b) / 3 + 1) ** 3  # noqa: E731
    exact = sum(k(x[i], x[j]) for i in range(5) for j in range(5) if i != j) / 20
    exact += sum(k(y[i], y[j]) for i in range(4) for j in range(4) if i != j) / 12
    exact -= 2 * sum(k(a, b) for a in x for b in y) / 20
    assert kernel_distance(x, y) == pytest.approx(exact, rel=1e-4)
    same = [kernel_distance(torch.randn(50, 2), torch.randn(50, 2)) for _ in range(300)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 300**0.5
    assert kernel_distance(x, y, max_mib=1e-4) == pytest.approx(exact, rel=1e-4)
    with pytest.raises(ShapeError, match="two rows or more"):
        kernel_distance(x[:1], y)


def test_distances_are_named_by_their_features() -> None:
    model, x = vaezoo.create("mlp-vae", seed=0), torch.rand(20, 1, 28, 28)
    found = vaezoo.evaluate(model, x, ["fid:thirds", "kid:thirds"], features=lambda images: images.flatten(1)[:, ::300])
    assert set(found) == {"fid:thirds@1", "kid:thirds@1"} and found["fid:thirds@1"] > 0
    with pytest.raises(ConfigError, match="needs the name of a network"):
        vaezoo.evaluate(model, x, ["fid"])
    with pytest.raises(ConfigError, match="restores pictures has no samples"):
        vaezoo.evaluate(vaezoo.create("denoise", seed=0), torch.rand(2, 3, 16, 16), ["fid:x"], features=lambda x: x)


def test_pictures_and_labels_and_factors() -> None:
    model, x = vaezoo.create("mlp-vae", seed=0).train(), torch.rand(40, 1, 28, 28)
    factors = torch.stack([torch.arange(40) % 4, torch.arange(40) // 10], 1)
    metrics = ["psnr", "ssim", "linear-probe", "mig@1", "dci", "sap", "modularity", "factorvae-score", "beta-vae-score"]
    found = vaezoo.evaluate(model, Data(x, labels=factors[:, 0], factors=factors), metrics)
    assert {"psnr@1", "mig@1", "dci@1.completeness", "linear-probe@1"} <= set(found) and model.training
    exact = vaezoo.image.psnr_db(model.eval().reconstruct(x), x).mean().item()
    assert found["psnr@1"] == pytest.approx(exact, abs=1e-3)


def test_what_cannot_be_measured_is_refused(images: Tensor) -> None:
    model = linear.model()
    with pytest.raises(UnknownName, match="Did you mean 'mig'"):
        vaezoo.evaluate(model, images, ["migg"])
    with pytest.raises(UnknownName, match=r"'mig' is of version 1 here, got '7'. Ask for mig@1"):
        vaezoo.evaluate(model, images, ["mig@7"])
    with pytest.raises(ConfigError, match="'mig' needs factors, but the data have none"):
        vaezoo.evaluate(model, images, ["elbo", "mig"])
    with pytest.raises(ConfigError, match=r"Expected a list of metrics, got 'elbo'\. Use \['elbo'\]"):
        vaezoo.evaluate(model, images, "elbo")
    with pytest.raises(ConfigError, match=r"Expected a model, got 'vae'\. Make one with vaezoo\.create"):
        vaezoo.evaluate("vae", images)
    with pytest.raises(ConfigError, match="samples=0"):
        vaezoo.evaluate(model, images, samples=0)
    with pytest.raises(ConfigError, match="one row of labels per image, got 3 for 300"):
        Data(images, labels=torch.zeros(3))
    with pytest.raises(NotNormalised, match="diagonal Gaussian posterior, got Pyramid"):
        vaezoo.evaluate(vaezoo.create("denoise", seed=0), torch.rand(2, 3, 16, 16), ["active-units"])
    for metric in ("active-units", "mutual-information"):
        with pytest.raises(NotNormalised, match="diagonal Gaussian posterior, got HamiltonianRefinement"):
            vaezoo.evaluate(vaezoo.create("hvae", seed=0), torch.rand(2, 1, 28, 28).round(), [metric])
    with pytest.raises(NotNormalised, match="no density of z, so there is no information"):
        infer = model.prior.infer
        model.prior.infer = lambda *given: replace(infer(*given), log_p=None)  # type: ignore[method-assign]
        vaezoo.evaluate(model, images, ["mutual-information"])


def test_a_bound_keeps_to_its_memory(monkeypatch: pytest.MonkeyPatch, images: Tensor) -> None:
    model, seen = linear.model(), []
    forward = model.forward
    monkeypatch.setattr(
        model, "forward", lambda batch, *a, **k: (seen.append(len(batch.y)), forward(batch, *a, **k))[1]
    )
    whole = vaezoo.evaluate(model, images, ["elbo"])["elbo@1.elbo_nats"]
    most, _ = max(seen), seen.clear()
    pieces = vaezoo.evaluate(model, images, ["elbo"], max_mib=0.01)["elbo@1.elbo_nats"]
    assert most == len(images) > max(seen) and pieces == pytest.approx(whole, rel=0.1)


def test_a_pseudo_likelihood_has_no_nll_and_no_bits(images: Tensor) -> None:
    model = linear.model()
    model.decoder.forward = lambda state, context: OptimalGaussian((state @ linear.weight().T).view(-1, 1, 2, 2))  # type: ignore[method-assign]
    with pytest.raises(NotNormalised, match="OptimalGaussian is no density of x, so it has no NLL"):
        vaezoo.evaluate(model, images, ["nll"])
    assert "elbo@1.bits_per_dim" not in vaezoo.evaluate(model, images, ["elbo"])


def brightness(result: Tensor, truth: Tensor) -> Tensor:
    return (result - truth).flatten(1).mean(1)


def share_of_ones(trial: Trial) -> dict[str, float]:
    return {"ones": float((trial.data.labels == 1).float().mean())}


def test_a_strangers_function_and_metric_are_measured_by_name() -> None:
    vaezoo.register_metric("test-brightness", brightness)
    vaezoo.register_metric("test-share", Metric(3, share_of_ones, "labels"))
    model, x = vaezoo.create("mlp-vae", seed=0), torch.rand(8, 1, 28, 28)
    found = vaezoo.evaluate(model, Data(x, labels=torch.arange(8) % 4), ["test-brightness", "test-share@3"], batch=3)
    exact = (model.eval().reconstruct(x) - x).mean().item()
    assert found == {"test-brightness@1": pytest.approx(exact, abs=1e-5), "test-share@3.ones": 0.25}
    with pytest.raises(ConfigError, match="needs labels, but the data have none"):
        vaezoo.evaluate(model, x, ["test-share"])


def test_what_is_no_metric_is_refused() -> None:
    vaezoo.register_metric("test-mean", lambda result, truth: (result - truth).mean())
    with pytest.raises(ConfigError, match=r"'test-mean' to return 2 numbers, one per image, got \(\)"):
        vaezoo.evaluate(vaezoo.create("mlp-vae", seed=0), torch.rand(2, 1, 28, 28), ["test-mean"])
    vaezoo.register_metric("test-pi", "math:pi")
    with pytest.raises(ConfigError, match=r"Expected the metric 'test-pi' to be a function or a Metric, got 3\.14"):
        vaezoo.evaluate(vaezoo.create("mlp-vae", seed=0), torch.rand(2, 1, 28, 28), ["test-pi"])
    with pytest.raises(UnknownName, match=r"Expected a known metric, got 'migg'.* Did you mean 'mig'"):
        vaezoo.evaluate(vaezoo.create("mlp-vae", seed=0), torch.rand(2, 1, 28, 28), ["migg"])
