"""Images above their reconstructions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaezoo.core import VAE, Noise
from vaezoo.errors import ShapeError
from vaezoo.evaluate.data import evaluating
from vaezoo.figures.sheet import Sheet
from vaezoo.figures.subject import Cond, check_number, on_cpu, rows_of, to_model


@torch.no_grad()
def reconstruct(
    model: VAE,
    pictures: Tensor | Sequence[Tensor],
    *,
    cond: Cond | None = None,
    samples: int = 0,
    difference: bool = True,
    seed: int = 0,
) -> Sheet:
    """Reconstructs images at the posterior's centre and shows the differences.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        pictures: Images (N, C, H, W) in [0, 1], or N images (1, C, H, W), of different sizes if the model takes any
            size.
        cond: Conditions, one row per image.
        samples: Number of rows with further reconstructions, each from a sample of the posterior.
        difference: Whether to show the reconstruction minus the image, averaged over channels. Red is too bright, blue
            too dark, and white right.
        seed: Random seed of the samples.

    Returns:
        Rows ``original``, ``reconstruction``, ``sample 1`` …, ``difference``. Facts: ``pictures``, ``mse`` (mean
        squared error per pixel) of each, ``seed``.

    Raises:
        ShapeError: There are no images, or the model cannot take one.
        ConfigError: ``samples`` is negative.
        IncompatibleParts: The model has no encoder.
    """
    check_number("samples", samples, 0)
    if len(pictures) == 0:
        raise ShapeError("Expected at least one picture to reconstruct, got none.", value=0)
    originals = pictures.split(1) if isinstance(pictures, Tensor) else tuple(pictures)
    above, below, apart, drawn = [], [], [], [[] for _ in range(samples)]  # type: ignore[var-annotated]
    with evaluating(model):
        for index, picture in enumerate(originals):
            x = to_model(model, picture)
            told = {name: to_model(model, values[index : index + 1]) for name, values in (cond or {}).items()}
            image = model.reconstruct(x, cond=told)
            above += on_cpu(x)
            below += on_cpu(image)
            apart.append((image - x)[0].float().cpu())
            if samples:
                context = model.context(x, told)
                latents = model.prior.infer(model.encode(x, cond=told), context, samples, Noise(seed=seed + index))
                size = (x.shape[2], x.shape[3])
                y = x if model.conditioner is not None and model.conditioner.channels is not None else None
                given = told if y is not None else rows_of(model, told, samples)
                images = on_cpu(model.decode(latents, y=y, cond=given, size=None if y is not None else size).image)
                for line, one in zip(drawn, images, strict=True):
                    line.append(one)
    rows = [("original", above), ("reconstruction", below)]
    rows += [(f"sample {number}", line) for number, line in enumerate(drawn, start=1)]
    if difference:
        rows.append(("difference", [signed(each) for each in apart]))
    note = "difference: red where the reconstruction is too bright, blue where too dark" if difference else ""
    facts = {"pictures": len(above), "mse": [each.square().mean().item() for each in apart], "seed": seed}
    return Sheet(tuple(tuple(line) for _, line in rows), tuple(name for name, _ in rows), note=note, facts=facts)


def signed(difference: Tensor) -> Tensor:
    """Turns differences (C, H, W) in [-1, 1] into colours (3, H, W): blue, white, red. Averages over channels."""
    from matplotlib import colormaps

    colours = colormaps["RdBu_r"](0.5 + 0.5 * difference.mean(0).clamp(-1, 1).numpy())
    return torch.from_numpy(colours[..., :3]).permute(2, 0, 1).float()
