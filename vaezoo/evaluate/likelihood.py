"""The bound and the likelihood of a model on a set of images, in nats per image."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, DiagonalGaussian, Noise
from vaezoo.core.shapes import check_image
from vaezoo.errors import ConfigError
from vaezoo.evaluate.memory import rows_within


def binarise(images: Tensor, seed: int = 0) -> Tensor:
    """Returns black and white images, each pixel white with the probability that its grey level states.

    Args:
        images: Any shape, in [0, 1].
        seed: Of the draw.
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
    """Measures the bound of a model on images, with one posterior sample an image, and perhaps its likelihood.

    The same arguments give the same numbers. Gray images under a Bernoulli likelihood have a bound, the expected
    one over their binarisations, but no likelihood: `binarise` them for that.

    Args:
        model: Used in evaluation mode and left in the mode it came in.
        images: (N, C, H, W) in [0, 1].
        cond: Other conditions, such as ``{"label": (N,)}``.
        nll_samples: Importance samples an image for the likelihood; 0 leaves it out.
        batch: Images at once, at most.
        seed: Of the latents' noise; each batch draws its own.
        max_mib: Bound on what the networks put out at once, MiB; batches are made smaller where they would pass it.

    Returns:
        Means over images: ``elbo_nats`` (larger is better), ``distortion_nats``, ``rate_nats``, each with its
        standard error as ``elbo_stderr_nats`` and so on; ``rate_nats_level_1`` and further where there are
        several levels, coarse to fine; ``nll_nats`` and ``nll_stderr_nats`` (smaller is better) if asked for;
        ``active_units`` of a Gaussian posterior, the latents whose mean varies over images by more than 0.01;
        ``images``, their number.

    Raises:
        ConfigError: There are no two images, or a number is not positive.
        ShapeError: The model cannot take the images.
        NotNormalised: A likelihood was asked for that is none.

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
