"""Traversals: one latent is moved while the others stay fixed."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vaezoo.core import VAE, DiagonalGaussian, Noise, NormalPrior, Pyramid
from vaezoo.core.priors.axes import Axis
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.evaluate.data import evaluating
from vaezoo.evaluate.information import ACTIVE
from vaezoo.figures.sheet import Sheet
from vaezoo.figures.subject import Cond, check_imagines, check_number, locate, look, on_cpu, rows_of, to_model

_BATCH = 256


class Activity(NamedTuple):
    """Activity of each channel of a level over images, summed over cells, (D,) each.

    Attributes:
        rate: Mean KL to N(0, 1) in nats; None if the posterior or the prior is not Gaussian.
        variance: Variance of the posterior's centre over images. A channel above 0.01 is an active unit.
    """

    rate: Tensor | None
    variance: Tensor


@torch.no_grad()
def traverse(
    model: VAE,
    picture: Tensor | None = None,
    *,
    images: Tensor | None = None,
    rows: int = 8,
    columns: int = 7,
    reach: float = 3.0,
    level: int = 0,
    axes: tuple[str, ...] | None = None,
    cond: Cond | None = None,
    images_cond: Cond | None = None,
    seed: int = 0,
    size: tuple[int, int] | None = None,
) -> Sheet:
    """Moves one latent at a time and shows the mean images, the most active latents first.

    For a Gaussian posterior under N(0, I), activity is the mean KL to the prior over ``images``. Otherwise it is the
    variance of the posterior's centre.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        picture: Image (1, C, H, W) in [0, 1] whose posterior's centre is the start. None means the prior's centre.
        images: Images (N, C, H, W) to rank latents by. None means 256 samples of the model.
        rows: Largest number of latents.
        columns: Number of positions. An odd number includes the start's own quantile 0.
        reach: Largest position, in standard deviations of the prior; the smallest is −reach. For a prior that is not
            Gaussian, u stands for the quantile Φ(u). A latent with classes takes each class.
        level: Level of a ladder; 0 is the coarsest. Positions are in standard deviations given the coarser levels.
            Finer levels keep theirs.
        axes: Names of the latents to move, such as ``("z3", "z7")``. None means the most active ones.
        cond: Conditions, with one row.
        images_cond: Conditions of ``images``, one row per image.
        seed: Random seed of the samples that replace ``images``.
        size: (H, W) of the images. None means that of the picture, or the model's default.

    Returns:
        One row per latent. Facts: ``axes`` with name, ``rate_nats`` (or none), ``variance`` and ``active`` of each;
        ``positions``; ``level``; ``active_units`` and ``latents``, the number of all.

    Raises:
        IncompatibleParts: The latents cannot be moved alone, the level does not exist, or the model has no encoder.
        UnknownName: No axis has the name.
        ConfigError: A number is out of range.
        ShapeError: The model cannot take the pictures.
    """
    check_imagines(model)
    check_number("rows", rows)
    check_number("columns", columns, 2)
    if not 0 < reach < math.inf:
        raise ConfigError(f"Expected a reach above 0, got {reach}.", value=reach)
    cond = rows_of(model, cond, 1)
    with evaluating(model):
        if picture is not None:
            x = to_model(model, picture)
            size = (x.shape[2], x.shape[3])
            context, start = locate(model, x, cond)
        else:
            empty = model.sample(1, cond=cond, size=size, noise=Noise(temperature=0))
            size = (empty.shape[2], empty.shape[3])
            context = model.context(empty, cond)
            start = model.prior.sample(context, 1, Noise(temperature=0))
        known = model.prior.axes(start.z, level)
        activity = measure_activity(model, images, images_cond, cond, level, size, seed)
        chosen = _choose(known, activity, axes)[: rows if axes is None else None]
        positions = torch.linspace(-reach, reach, columns, dtype=torch.float64)
        continuous, lines = any(not axis.classes for axis in chosen), []
        like = start.z[level]
        places = model.prior.values_at(positions.to(like), like.shape[2], context) if continuous else like
        for axis in chosen:
            values = torch.eye(axis.classes) if axis.classes else places[:, list(axis.channels)]
            latents = model.prior.move(start.z, axis, values, context)
            lines.append(on_cpu(look(model, latents, rows_of(model, cond, len(values)), size)))
    names = [f"{u:+.3g}".replace("-", "−") if u else "0" for u in positions.tolist()]
    labels = names if continuous else [str(number) for number in range(max(axis.classes for axis in chosen))]
    facts = {
        "axes": [_facts(axis, activity) for axis in chosen],
        "positions": positions.tolist(),
        "level": level,
        "latents": len(known),
        "active_units": sum(_variance(axis, activity) > ACTIVE for axis in known),
    }
    unit = "standard deviations" if isinstance(model.prior, NormalPrior) or len(start.z) > 1 else "normal quantiles"
    rest = "the prior's centre" if picture is None else "the picture's place"
    note = f"columns: {unit} of the prior" if continuous else "columns: classes"
    note += f"; all other latents stay at {rest}"
    return Sheet(tuple(lines), tuple(_label(axis, activity) for axis in chosen), tuple(labels), note, facts)


def measure_activity(
    model: VAE,
    images: Tensor | None,
    images_cond: Cond | None,
    cond: Cond,
    level: int,
    size: tuple[int, int],
    seed: int,
) -> Activity:
    """Measures the activity of each channel of a level, over images or over samples of the model; see `traverse`.

    Raises:
        ConfigError: There are fewer than two images.
    """
    if images is None:
        noise, rows = Noise(seed=seed), rows_of(model, cond, _BATCH)
        images, images_cond = model.sample(_BATCH, cond=rows, size=size, noise=noise), rows
    check_number("images", len(images), 2)
    rates, centres = [], []
    for begin in range(0, len(images), _BATCH):
        part = to_model(model, images[begin : begin + _BATCH])
        told = {name: to_model(model, rows[begin : begin + _BATCH]) for name, rows in (images_cond or {}).items()}
        belief = model.encode(part, cond=told)
        if isinstance(belief, Pyramid):
            centres.append(locate(model, part, told)[1].z[level][0])
            continue
        centres.append(belief.mean)
        if isinstance(belief, DiagonalGaussian) and isinstance(model.prior, NormalPrior):
            mean, logvar = belief.mean.double(), belief.logvar.double()
            rates.append(0.5 * (mean**2 + torch.expm1(logvar) - logvar))
    variance = torch.cat(centres).double().var(0)
    return Activity(_per_channel(torch.cat(rates).mean(0)) if rates else None, _per_channel(variance))


def _per_channel(values: Tensor) -> Tensor:
    return values.flatten(1).sum(1).cpu() if values.dim() > 1 else values.cpu()


def _choose(known: tuple[Axis, ...], activity: Activity, names: tuple[str, ...] | None) -> list[Axis]:
    if names is not None:
        by_name = {axis.name: axis for axis in known}
        for name in names:
            if name not in by_name:
                hint = f"There are {known[0].name} to {known[-1].name}."
                raise UnknownName(f"Expected the name of a latent, got {name!r}.", hint=hint, value=name)
        return [by_name[name] for name in names]
    measure = activity.variance if activity.rate is None else activity.rate
    return sorted(known, key=lambda axis: -float(measure[list(axis.channels)].sum()))


def _variance(axis: Axis, activity: Activity) -> float:
    return float(activity.variance[list(axis.channels)].sum())


def _rate(axis: Axis, activity: Activity) -> float | None:
    return None if activity.rate is None else float(activity.rate[list(axis.channels)].sum())


def _label(axis: Axis, activity: Activity) -> str:
    rate, quiet = _rate(axis, activity), _variance(axis, activity) <= ACTIVE
    told = "inactive" if quiet else f"{rate:.2f} nats" if rate is not None else ""
    return f"{axis.name}\n{told}".rstrip()


def _facts(axis: Axis, activity: Activity) -> dict[str, object]:
    variance = _variance(axis, activity)
    found: dict[str, object] = {
        "name": axis.name,
        "rate_nats": _rate(axis, activity),
        "variance": variance,
        "active": variance > ACTIVE,
    }
    return found | {"classes": axis.classes} if axis.classes else found
