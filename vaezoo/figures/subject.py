"""What all figures need: images on the model's device, latents at the centre, and conditions with enough rows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vaezoo.core import VAE, Context, Latents, Noise, repeat_rows
from vaezoo.errors import ConfigError, IncompatibleParts

Cond = Mapping[str, Tensor]


def to_model(model: VAE, tensor: Tensor) -> Tensor:
    """Moves a tensor to the model's device. Floating-point tensors also get its type."""
    like = next(model.parameters(), tensor)
    return tensor.to(like) if tensor.is_floating_point() else tensor.to(like.device)


def rows_of(model: VAE, cond: Cond | None, rows: int) -> dict[str, Tensor]:
    """Returns conditions with a number of rows, on the model's device.

    Raises:
        ConfigError: A condition has neither one row nor this number.
    """
    found = {}
    for name, values in (cond or {}).items():
        if len(values) not in (1, rows):
            raise ConfigError(f"Expected 1 or {rows} rows of {name}, got {len(values)}.", value=len(values))
        found[name] = to_model(model, values if len(values) == rows else repeat_rows(values, rows))
    return found


def check_imagines(model: VAE) -> None:
    """Raises for a model that makes its images from another image.

    Raises:
        IncompatibleParts: The model is conditioned on an image.
    """
    if model.encodes == "target" or (model.conditioner is not None and model.conditioner.channels is not None):
        raise IncompatibleParts(
            "This model restores images and cannot generate any: its latents are those of a given image.",
            hint="Draw its reconstructions, or run vaezoo enhance.",
            value=model.encodes,
        )


def check_number(name: str, number: int, least: int = 1) -> None:
    """Raises if a number is too small.

    Raises:
        ConfigError: The number is below ``least``.
    """
    if number < least:
        raise ConfigError(f"Expected {name} of at least {least}, got {number}.", value=number)


def locate(model: VAE, x: Tensor, cond: Cond) -> tuple[Context, Latents]:
    """Returns the context of images (B, C, H, W), and their latents at the posterior's centre.

    Raises:
        ShapeError: The model cannot take the pictures.
        IncompatibleParts: The model has no encoder.
    """
    belief = model.encode(x, cond=cond)
    context = model.context(x, cond)
    return context, model.prior.infer(belief, context, 1, Noise(temperature=0))


def look(model: VAE, latents: Latents, cond: Cond, size: tuple[int, int]) -> Tensor:
    """Returns the mean images of latents, (N, C, H, W) in [0, 1]. The conditions have N rows."""
    image: Tensor = model.decode(latents, cond=cond, size=size).image
    return image.clamp(0, 1)


def on_cpu(images: Tensor) -> tuple[Tensor, ...]:
    """Splits images (N, C, H, W), moved to the CPU, in fp32 and [0, 1]."""
    return tuple(images.detach().to("cpu", torch.float32).clamp(0, 1).unbind(0))
