"""Metrics by name: the form of a plugin's, and those of vaezoo.

A metric is declared under ``metrics`` of a registry file or by `vaezoo.register_metric`. It is a function of results
and targets, both (B, C, H, W) in [0, 1], that returns a number per image, (B,). Or it is a `Metric`, which receives the
whole `Trial`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from vaezoo.core import Batch, Noise
from vaezoo.core.machine.arithmetic import CACHED_PIXELS, arithmetic
from vaezoo.errors import ConfigError
from vaezoo.evaluate import disentanglement as of
from vaezoo.evaluate.data import Features, Trial
from vaezoo.evaluate.distances import frechet_distance, kernel_distance
from vaezoo.evaluate.information import count_active_units, measure_information
from vaezoo.evaluate.likelihood import evaluate_likelihood
from vaezoo.evaluate.probe import train_probe


@final
@dataclass(frozen=True)
class Metric:
    """A metric with a version. When its computation changes, it becomes a new version.

    Attributes:
        version: Version, from 1.
        measure: Function from a `Trial` to a number, or to several numbers by name.
        needs: Data that it needs: ``labels``, ``factors`` or an empty text.
        by_features: Whether it needs a feature network, as ``fid:NET``. Its name is the second argument of ``measure``.
    """

    version: int
    measure: Callable[..., float | dict[str, float]]
    needs: str = ""
    by_features: bool = False

    def __call__(self, trial: Trial, *net: str) -> float | dict[str, float]:
        """Returns the measured value or values."""
        return self.measure(trial, *net)


@torch.no_grad()
def _elbo(trial: Trial) -> dict[str, float]:
    data = trial.data
    found = evaluate_likelihood(
        trial.model, data.images, cond=data.cond, batch=trial.batch, seed=trial.seed, max_mib=trial.max_mib
    )
    found.pop("active_units", None)
    one = Batch(data.images[:1], cond={name: rows[:1] for name, rows in data.cond.items()})
    if not trial.model(one, noise=Noise(seed=trial.seed)).likelihood.normalised:
        return found  # without a density there are no bits per dimension either
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


def likeness(name: str, of_pair: Callable[[Tensor, Tensor], Tensor]) -> Metric:
    """Makes a metric of a function of results and targets: its mean over reconstructions.

    Args:
        name: Name, for error messages.
        of_pair: Function from results and targets, (B, C, H, W) in [0, 1], to numbers (B,).
    """

    def measure(trial: Trial) -> float:
        found = []
        for _, part in trial.parts():
            values = of_pair(trial.model.reconstruct(part.y, cond=part.cond), part.y)
            shape = tuple(getattr(values, "shape", ()))
            if shape != (len(part.y),):
                hint = "Return one number per image, or declare a Metric, which receives the model and all images."
                raise ConfigError(
                    f"Expected the metric {name!r} to return {len(part.y)} numbers, one per image, got {shape}.",
                    hint=hint,
                    value=shape,
                )
            found.append(values.cpu())
        return float(torch.cat(found).mean())

    return Metric(1, measure)


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


ELBO = Metric(1, _elbo)
NLL = Metric(1, _nll)
ACTIVE_UNITS = Metric(1, count_active_units)
MUTUAL_INFORMATION = Metric(1, measure_information)
FID = Metric(1, lambda trial, net: _distance(trial, net, frechet_distance), by_features=True)
KID = Metric(1, lambda trial, net: _distance(trial, net, kernel_distance), by_features=True)
MIG = Metric(1, _factors(of.mig), "factors")
SAP = Metric(1, _factors(of.sap), "factors")
DCI = Metric(1, _factors(of.dci), "factors")
MODULARITY = Metric(1, _factors(of.modularity), "factors")
FACTORVAE_SCORE = Metric(1, _factors(of.factorvae_score), "factors")
BETA_VAE_SCORE = Metric(1, _factors(of.beta_vae_score), "factors")
LINEAR_PROBE = Metric(1, lambda trial: {"": train_probe(trial.codes(), trial.data.labels)}, "labels")
