"""The information of the latents about the image, and the distance of the aggregate posterior from the prior."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaezoo.core import VAE, DiagonalGaussian, Noise
from vaezoo.errors import NotNormalised
from vaezoo.evaluate.data import Trial

ACTIVE = 0.01


def aggregate_log_prob(z: Tensor, mean: Tensor, logvar: Tensor, *, max_mib: float = 512) -> Tensor:
    """Returns log 1/N Σ_n N(z; mean_n, exp(logvar_n)), (M,) nats, in float64.

    Args:
        z: Latents (M, D).
        mean: Means (N, D).
        logvar: Log-variances (N, D).
        max_mib: Size in MiB of the pieces that the M×N table is computed in.
    """
    z, mean, logvar = z.double(), mean.double(), logvar.double()
    precision = torch.exp(-logvar)
    constant = -0.5 * (logvar + mean**2 * precision + math.log(2 * math.pi)).sum(1)
    rows = max(1, int(max_mib * 2**20 / (4 * 8 * len(mean))))
    found = [
        torch.logsumexp(constant - 0.5 * (part**2) @ precision.T + part @ (mean * precision).T, 1)
        for part in z.split(rows)
    ]
    return torch.cat(found) - math.log(len(mean))


@torch.no_grad()
def measure_information(trial: Trial) -> dict[str, float]:
    """Splits the rate into the information of z about the image and the KL of the aggregate posterior from the prior.

    E KL(q(z|x)‖p) = I(x; z) + KL(q(z)‖p), where q(z) is the mean of q(z|x_n) over the N measured images. I is the
    mutual information of z and the index of the image. It is at most log N, hence underestimates the value for all
    images, and the marginal KL is overestimated by as much. One sample of z per image is used.

    Raises:
        NotNormalised: The posterior is not a diagonal Gaussian, is refined, or the prior has no density.

    Source: ELBO Surgery (Hoffman and Johnson, 2016).
    """
    means, logvars, draws, log_q, log_p = [], [], [], [], []
    for number, part in trial.parts():
        bound = trial.model(part, noise=Noise(seed=trial.seed + number))
        belief = _gaussian(trial.model, bound.belief)
        means.append(belief.mean.flatten(1))
        logvars.append(belief.logvar.flatten(1))
        if bound.latents.log_p is None or bound.latents.log_q is None:
            name = type(trial.model.prior).__name__
            raise NotNormalised(f"{name} gives no density of z, so there is no information to measure.", value=name)
        draws.append(bound.latents.z[0][0].flatten(1))
        log_q.append(bound.latents.log_q[0])
        log_p.append(bound.latents.log_p[0])
    aggregate = aggregate_log_prob(torch.cat(draws), torch.cat(means), torch.cat(logvars), max_mib=trial.max_mib)
    told, apart = torch.cat(log_q).double() - aggregate, aggregate - torch.cat(log_p).double()
    root = len(aggregate) ** 0.5
    return {
        "information_nats": told.mean().item(),
        "information_stderr_nats": told.std().item() / root,
        "marginal_kl_nats": apart.mean().item(),
        "marginal_kl_stderr_nats": apart.std().item() / root,
        "largest_nats": math.log(len(aggregate)),
    }


@torch.no_grad()
def count_active_units(trial: Trial) -> dict[str, float]:
    """Counts the latents whose posterior mean varies over images by more than 0.01.

    Raises:
        NotNormalised: The posterior is not a diagonal Gaussian, or is refined.

    Source: Importance Weighted Autoencoders (Burda et al., 2015), section 5.2, arXiv:1509.00519.
    """
    noise = Noise(temperature=0)
    means = [_gaussian(trial.model, trial.model(part, noise=noise).belief).mean.flatten(1) for _, part in trial.parts()]
    variance = torch.cat(means).double().var(0)
    return {"": int((variance > ACTIVE).sum()), "latents": variance.numel()}


def _gaussian(model: VAE, belief: object) -> DiagonalGaussian:
    if not isinstance(belief, DiagonalGaussian) or model.refine is not None:
        name = type(belief if model.refine is None else model.refine).__name__
        hint = "Measure linear-probe or psnr, which work with any posterior."
        raise NotNormalised(f"Expected the encoder's diagonal Gaussian posterior, got {name}.", hint=hint, value=name)
    return belief
