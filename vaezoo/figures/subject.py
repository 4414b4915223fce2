"""What all figures ask of a model: pictures on its device, their latents at the centre, and its conditions' rows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaezoo.core import VAE, Context, Latents, Noise, repeat_rows
from vaezoo.errors import ConfigError, IncompatibleParts

Cond = Mapping[str, Tensor]


def to_model(model: VAE, tensor: Tensor) -> Tensor:
    """Returns a tensor on the model's device; floating point ones in the model's type."""
    like = next(model.parameters(), tensor)
    return tensor.to(like) if tensor.is_floating_point() else tensor.to(like.device)


def rows_of(model: VAE, cond: Cond | None, rows: int) -> dict[str, Tensor]:
    """Returns conditions with so many rows, on the model's device.

    Raises:
        ConfigError: A condition has neither one row nor so many.
    """
    found = {}
    for name, values in (cond or {}).items():
        if len(values) not in (1, rows):
            raise ConfigError(f"Expected 1 or {rows} rows of {name}, got {len(values)}.", value=len(values))
        found[name] = to_model(model, values if len(values) == rows else repeat_rows(values, rows))
    return found


def check_imagines(model: VAE) -> None:
    """Refuses a model whose pictures follow from another picture.

    Raises:
        IncompatibleParts: It is conditioned on a picture.
    """
    if model.encodes == "target" or (model.conditioner is not None and model.conditioner.channels is not None):
        raise IncompatibleParts(
            "This model restores pictures and cannot imagine one: its latents are those of a given picture.",
            hint="Draw its reconstructions, or run vaezoo enhance.",
            value=model.encodes,
        )


def check_number(name: str, number: int, least: int = 1) -> None:
    """Refuses a number below the least.

    Raises:
        ConfigError: It is.
    """
    if number < least:
        raise ConfigError(f"Expected {name} of at least {least}, got {number}.", value=number)


def locate(model: VAE, x: Tensor, cond: Cond) -> tuple[Context, Latents]:
    """Returns the context of pictures (B, C, H, W), and their latents at the posterior's centre.

    Raises:
        ShapeError: The model cannot take the pictures.
        IncompatibleParts: The model has no encoder.
    """
    belief = model.encode(x, cond=cond)
    context = model.context(x, cond)
    return context, model.prior.infer(belief, context, 1, Noise(temperature=0))


def look(model: VAE, latents: Latents, cond: Cond, size: tuple[int, int]) -> Tensor:
    """Returns the mean images of latents, (N, C, H, W) in [0, 1]; conditions have their N rows."""
    image: Tensor = model.decode(latents, cond=cond, size=size).image
    return image.clamp(0, 1)


def on_cpu(images: Tensor) -> tuple[Tensor, ...]:
    """Returns images (N, C, H, W) one by one, on the CPU, fp32, in [0, 1]."""
    return tuple(images.detach().to("cpu", torch.float32).clamp(0, 1).unbind(0))
