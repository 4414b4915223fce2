"""The evidence lower bound and the likelihood of a model on a set of images, in nats per image."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, DiagonalGaussian, Noise
from vaezoo.core.shapes import check_image
from vaezoo.errors import ConfigError
from vaezoo.evaluate.memory import rows_within


def binarise(images: Tensor, seed: int = 0) -> Tensor:
    """Binarises images at random: a pixel becomes white with the probability that its grey level gives.

    Args:
        images: Images of any shape, in [0, 1].
        seed: Random seed of the draws.
    """
    drawn = torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))
    return (drawn.to(images.device) < images).to(images.dtype)


@torch.no_grad()
def evaluate_likelihood(
    model: VAE,
    images: Tensor,
    *,
    cond: Mapping[str, Tensor] | None = None,
    nll_samples: int = 0,
    batch: int = 500,
    seed: int = 0,
    max_mib: float = 2048,
) -> dict[str, float]:
    """Measures the bound of a model on images, with one posterior sample per image, and optionally the likelihood.

    The same arguments give the same numbers. Under a Bernoulli likelihood, gray images have a bound (its expectation
    over binarisations) but no likelihood. For that, `binarise` them.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        images: Images (N, C, H, W) in [0, 1].
        cond: Conditions, such as ``{"label": (N,)}``.
        nll_samples: Number of importance samples per image for the likelihood. 0 leaves it out.
        batch: Largest number of images at once.
        seed: Random seed of the latents' noise. Each batch draws its own.
        max_mib: Bound on the networks' simultaneous outputs, in MiB. Batches are reduced to keep it.

    Returns:
        Means over images: ``elbo_nats`` (larger is better), ``distortion_nats`` and ``rate_nats``, each with its
        standard error as ``elbo_stderr_nats`` and so on. ``rate_nats_level_1`` and further for several levels, coarse
        to fine. ``nll_nats`` and ``nll_stderr_nats`` (smaller is better) if requested. ``active_units`` for a Gaussian
        posterior: the number of latents whose mean varies over images by more than 0.01. ``images``: the number of
        images.

    Raises:
        ConfigError: There are fewer than two images, or a number is not positive.
        ShapeError: The model cannot take the images.
        NotNormalised: The likelihood is requested, but the model has no density.

    Source: active units: Importance Weighted Autoencoders (Burda et al., 2015), section 5.2, arXiv:1509.00519.
    """
    if len(images) < 2 or batch < 1 or nll_samples < 0:
        came = f"{len(images)} images, batch={batch}, nll_samples={nll_samples}"
        raise ConfigError(f"Expected two images or more, batch >= 1 and nll_samples >= 0, got {came}.", value=came)
    check_image(images, model.channels, model.size, what="images")
    values: dict[str, list[Tensor]] = {}
    means: list[Tensor] = []
    mode = model.training
    model.eval()
    try:
        told = cond or {}
        fits = rows_within(model, images[:1], max_mib, cond={name: value[:1] for name, value in told.items()})
        batch = min(batch, fits)
        for number, start in enumerate(range(0, len(images), batch)):
            rows = slice(start, start + batch)
            part = Batch(images[rows], cond={name: value[rows] for name, value in told.items()})
            noise = Noise(seed=seed + number)
            bound = model(part, noise=noise)
            found = {"elbo": bound.elbo, "distortion": bound.distortion, "rate": bound.rate}
            if len(bound.latents.rate) > 1:
                found |= {f"rate_level_{level}": rate for level, rate in enumerate(bound.latents.rate, start=1)}
            if nll_samples:
                found["nll"] = model.nll(part, k=nll_samples, noise=noise)
            for name, value in found.items():
                values.setdefault(name, []).append(value.double().cpu())
            if isinstance(bound.belief, DiagonalGaussian) and model.refine is None:
                means.append(bound.belief.mean.flatten(1).cpu())
    finally:
        model.train(mode)
    report: dict[str, float] = {"images": len(images)}
    for name, parts in values.items():
        each = torch.cat(parts)
        level = name.removeprefix("rate_level_")
        report["rate_nats_level_" + level if level != name else f"{name}_nats"] = each.mean().item()
        if level == name:
            report[f"{name}_stderr_nats"] = each.std().item() / len(each) ** 0.5
    if means:
        report["active_units"] = int((torch.cat(means).var(0) > 0.01).sum())
    return report
