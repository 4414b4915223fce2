"""Metrics by name: the table, and the call that measures several of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Noise
from vaezoo.core.machine.arithmetic import CACHED_PIXELS, arithmetic, check_precision
from vaezoo.core.shapes import check_image
from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.evaluate import disentanglement as of
from vaezoo.evaluate.data import Data, Features, Trial, evaluating
from vaezoo.evaluate.distances import frechet_distance, kernel_distance
from vaezoo.evaluate.information import count_active_units, measure_information
from vaezoo.evaluate.likelihood import evaluate_likelihood
from vaezoo.evaluate.probe import train_probe
from vaezoo.image import psnr_db, ssim


class Metric(NamedTuple):
    """A metric of one version; a change of what it computes is a new version, never the old one changed."""

    version: int
    measure: Callable[..., dict[str, float]]
    needs: str = ""


def evaluate(
    model: VAE,
    data: Tensor | Data,
    metrics: Sequence[str] = ("elbo",),
    *,
    samples: int = 100,
    batch: int = 500,
    seed: int = 0,
    max_mib: float = 512,
    features: Features | None = None,
    precision: str = "fp32",
) -> dict[str, float]:
    """Measures a model by metrics of given names.

    Args:
        model: Used in evaluation mode and left in the mode it came in.
        data: Images (N, C, H, W) in [0, 1], or those with their labels or factors.
        metrics: Names such as ``mig``, or ``mig@1`` for one version alone; ``fid:NET`` and ``kid:NET`` name a model
            whose posterior means are the features, with its weights, or what ``features`` is.
        samples: Importance samples an image, for ``nll``.
        batch: At most so many images at once.
        seed: Of all draws: the same arguments give the same numbers.
        max_mib: Bound on what the networks put out at once, MiB; rows are chunked to it.
        features: From images to features (B, D), for ``fid`` and ``kid``.
        precision: Of the networks for ``nll``: ``"fp32"``, or ``"bf16"`` for less time where the processor can, with
            other last digits; all other metrics are always in fp32.

    Returns:
        Values by ``NAME@VERSION``, or ``NAME@VERSION.FIELD`` where a metric has several.

    Raises:
        UnknownName: A metric, or a version of it, that is none.
        ConfigError: The data lack what a metric needs, a number is not possible, or the precision is none.
        NotNormalised: A likelihood or an information was asked of what is no density.
        ShapeError: The model cannot take the images.
    """
    data = data if isinstance(data, Data) else Data(data)
    if len(data.images) < 2 or batch < 1 or samples < 1:
        came = f"{len(data.images)} images, batch={batch}, samples={samples}"
        raise ConfigError(f"Expected two images or more, batch >= 1 and samples >= 1, got {came}.", value=came)
    if not isinstance(model, VAE):
        raise ConfigError(f"Expected a model, got {model!r}.", hint="Make it by vaezoo.create.", value=model)
    if isinstance(metrics, str):
        raise ConfigError(f"Expected a list of metrics, got {metrics!r}.", hint=f"Say [{metrics!r}].", value=metrics)
    found = [(*find_metric(name), data) for name in metrics]
    for name, _, metric, _ in found:
        if metric.needs and getattr(data, metric.needs) is None:
            message = f"The metric {name!r} needs {metric.needs} of the images, and there are none."
            raise ConfigError(message, hint=f"Take a set that has them: --data {WITH[metric.needs]}.", value=name)
    check_image(data.images, model.channels, model.size, what="images")
    trial = Trial(model, data, samples, seed, max_mib, batch, features, check_precision(precision))
    report: dict[str, float] = {}
    with evaluating(model):
        for name, net, metric, _ in found:
            key = f"{name}{':' + net if net else ''}@{metric.version}"
            values = metric.measure(trial, net) if name in ("fid", "kid") else metric.measure(trial)
            report |= {f"{key}.{field}" if field else key: value for field, value in values.items()}
    return report


def find_metric(text: str) -> tuple[str, str, Metric]:
    """Returns a metric's name, its feature network or nothing, and the metric.

    Raises:
        UnknownName: There is no such metric, or not in that version.
        ConfigError: A distance of sets that names no network, or another metric that names one.
    """
    whole, _, version = text.partition("@")
    name, _, net = whole.partition(":")
    if name not in METRICS:
        raise UnknownName(f"Expected a metric, got {text!r}.", hint=suggest(name, METRICS), value=text)
    metric = METRICS[name]
    if version and version != str(metric.version):
        message = f"The metric {name!r} is of version {metric.version} here, got {version!r}."
        raise UnknownName(message, hint=f"Ask for {name}@{metric.version}.", value=text)
    if bool(net) != (name in ("fid", "kid")):
        hint = f"Say {name}:conv-beta." if not net else f"Say {name}."
        raise ConfigError(
            f"{name!r} {'names no' if net else 'needs the name of a'} network of features.", hint=hint, value=text
        )
    return name, net, metric


@torch.no_grad()
def _elbo(trial: Trial) -> dict[str, float]:
    data = trial.data
    found = evaluate_likelihood(
        trial.model, data.images, cond=data.cond, batch=trial.batch, seed=trial.seed, max_mib=trial.max_mib
    )
    found.pop("active_units", None)
    one = Batch(data.images[:1], cond={name: rows[:1] for name, rows in data.cond.items()})
    if not trial.model(one, noise=Noise(seed=trial.seed)).likelihood.normalised:
        return found  # a bound of no density is none in bits either
    return found | {"bits_per_dim": -found["elbo_nats"] / (math.log(2) * data.images[0].numel())}


@torch.no_grad()
def _nll(trial: Trial) -> dict[str, float]:
    from vaezoo.evaluate.memory import rows_within

    first = {name: rows[:1] for name, rows in trial.data.cond.items()}
    rows = rows_within(trial.model, trial.data.images[:1], trial.max_mib, cond=first)
    each = []
    for number, part in trial.parts():
        cached = CACHED_PIXELS // part.y.numel() if part.y.device.type == "cpu" else trial.samples
        chunk = max(1, min(trial.samples, rows // len(part.y), cached))
        noise = Noise(seed=trial.seed + number)
        with arithmetic(trial.precision, part.y.device):
            each.append(trial.model.nll(part, k=trial.samples, chunk=chunk, noise=noise).double().cpu())
    nll = torch.cat(each)
    return {"nats": nll.mean().item(), "stderr_nats": nll.std().item() / len(nll) ** 0.5, "samples": trial.samples}


def _likeness(trial: Trial, of_pair: Callable[[Tensor, Tensor], Tensor]) -> dict[str, float]:
    pairs = ((trial.model.reconstruct(part.y, cond=part.cond), part.y) for _, part in trial.parts())
    return {"": torch.cat([of_pair(*pair).cpu() for pair in pairs]).mean().item()}


def _distance(trial: Trial, net: str, distance: Callable[[Tensor, Tensor], float]) -> dict[str, float]:
    if trial.model.encodes == "target":
        raise ConfigError("A model that restores pictures has no samples to compare.", hint="Measure psnr.", value=net)
    features = trial.features or _means_of(net)
    real, made = [], []
    for number, part in trial.parts():
        size = (part.y.shape[2], part.y.shape[3])
        noise = Noise(seed=trial.seed + number)
        drawn = trial.model.sample(len(part.y), size=size, noise=noise, cond=part.cond)
        real.append(features(part.y).cpu())
        made.append(features(drawn).cpu())
    return {"": distance(torch.cat(real), torch.cat(made))}


def _means_of(net: str) -> Features:
    from vaezoo.zoo.create import create

    model = create(net, pretrained=True).eval()

    @torch.no_grad()
    def features(images: Tensor) -> Tensor:
        latents = model.prior.infer(model.encode(images), model.context(images), 1, Noise(temperature=0))
        return torch.cat([z[0].flatten(1) for z in latents.z], 1)

    return features


def _factors(score: Callable[..., float | dict[str, float]]) -> Callable[[Trial], dict[str, float]]:
    def measure(trial: Trial) -> dict[str, float]:
        found = score(trial.codes(), trial.data.factors)
        return found if isinstance(found, dict) else {"": found}

    return measure


WITH = {"factors": "factors", "labels": "mnist"}
METRICS = {
    "elbo": Metric(1, _elbo),
    "nll": Metric(1, _nll),
    "active-units": Metric(1, count_active_units),
    "mutual-information": Metric(1, measure_information),
    "psnr": Metric(1, lambda trial: _likeness(trial, psnr_db)),
    "ssim": Metric(1, lambda trial: _likeness(trial, ssim)),
    "fid": Metric(1, lambda trial, net: _distance(trial, net, frechet_distance)),
    "kid": Metric(1, lambda trial, net: _distance(trial, net, kernel_distance)),
    "mig": Metric(1, _factors(of.mig), "factors"),
    "sap": Metric(1, _factors(of.sap), "factors"),
    "dci": Metric(1, _factors(of.dci), "factors"),
    "modularity": Metric(1, _factors(of.modularity), "factors"),
    "factorvae-score": Metric(1, _factors(of.factorvae_score), "factors"),
    "beta-vae-score": Metric(1, _factors(of.beta_vae_score), "factors"),
    "linear-probe": Metric(1, lambda trial: {"": train_probe(trial.codes(), trial.data.labels)}, "labels"),
}
