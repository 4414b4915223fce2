"""Ways from one picture to another through the latents."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.core import VAE
from vaezoo.errors import ShapeError
from vaezoo.evaluate.data import evaluating
from vaezoo.figures.sheet import Sheet
from vaezoo.figures.subject import Cond, check_imagines, check_number, locate, look, on_cpu, rows_of, to_model


@torch.no_grad()
def interpolate(
    model: VAE,
    start: Tensor,
    end: Tensor,
    *,
    columns: int = 8,
    linear: bool = False,
    start_cond: Cond | None = None,
    end_cond: Cond | None = None,
) -> Sheet:
    """Returns the mean images on the way from the centre of one picture's posterior to that of another's.

    The way is the prior's own: over the sphere (slerp) under N(0, I) and at each level of a Gaussian ladder, there in
    standard deviations given the coarser levels; the geodesic on a sphere or in a ball; else a straight line.

    Args:
        model: Used in evaluation mode and left in the mode it came in.
        start: Pictures (B, C, H, W) in [0, 1].
        end: As many, of the same size.
        columns: Points on the way, its ends among them.
        linear: Whether to take the straight line instead.
        start_cond: Conditions of the start, one row a picture or one for all; the first half of the way has them.
        end_cond: Conditions of the end, which the second half has.

    Returns:
        For each of B a row: the picture, ``columns`` images of which the ends are the two reconstructions, the other
        picture. Facts: ``shares`` of the way, ``pairs``, ``linear``.

    Raises:
        IncompatibleParts: The model's latents have no such way, or it restores pictures.
        ConfigError: There are fewer than two columns, or a condition has another number of rows.
        ShapeError: The model cannot take the pictures, or the two differ in shape.
    """
    check_imagines(model)
    check_number("columns", columns, 2)
    if start.shape != end.shape:
        shapes = tuple(start.shape), tuple(end.shape)
        raise ShapeError(
            f"Expected two pictures of one shape, got {shapes[0]} and {shapes[1]}.",
            hint="Resize one of them.",
            value=shapes,
        )
    first, last = to_model(model, start), to_model(model, end)
    batch, size = len(first), (first.shape[2], first.shape[3])
    begins, ends = rows_of(model, start_cond, batch), rows_of(model, end_cond, batch)
    shares = torch.linspace(0, 1, columns, dtype=torch.float64, device=first.device)
    with evaluating(model):
        context, here = locate(model, first, begins)
        _, there = locate(model, last, ends)
        latents = model.prior.between(here.z, there.z, shares, context, linear)
        sides = [begins if share < 0.5 else ends for share in shares.tolist()]
        cond = {name: torch.cat([side[name] for side in sides]) for name in begins if name in ends}
        images = look(model, latents, cond, size)
    pairs = zip(on_cpu(first), images.view(columns, batch, *images.shape[1:]).unbind(1), on_cpu(last), strict=True)
    rows = tuple((one, *on_cpu(way), other) for one, way, other in pairs)
    names = ("start", *(f"{share:.2f}".rstrip("0").rstrip(".") for share in shares.tolist()), "end")
    facts = {"pairs": batch, "shares": shares.tolist(), "linear": linear}
    note = "start and end: the pictures; 0 and 1: their reconstructions; between: shares of the way"
    return Sheet(rows, column_labels=names, note=note, facts=facts)
