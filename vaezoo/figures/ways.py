"""Interpolations between two images through the latents."""

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
    """Interpolates between the centres of the posteriors of two images and shows the mean images.

    The path is the prior's own. Under N(0, I) it runs over the sphere (slerp), and so at each level of a Gaussian
    ladder, in standard deviations given the coarser levels. On a sphere or in a ball it is the geodesic. Otherwise it
    is a straight line.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        start: Images (B, C, H, W) in [0, 1].
        end: As many images of the same size.
        columns: Number of points on the path, including the ends.
        linear: Whether to take the straight line instead.
        start_cond: Conditions of the start, one row per image or one for all. The first half of the path has them.
        end_cond: Conditions of the end. The second half of the path has them.

    Returns:
        One row per pair: the first image, ``columns`` images whose ends are the reconstructions, and the second image.
        Facts: ``shares`` of the path, ``pairs``, ``linear``.

    Raises:
        IncompatibleParts: The latents have no such path, or the model restores images.
        ConfigError: There are fewer than two columns, or a condition has a wrong number of rows.
        ShapeError: The model cannot take the images, or the two differ in shape.
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
