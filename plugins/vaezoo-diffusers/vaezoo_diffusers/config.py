"""Converts a folder that diffusers saved to arguments of ``vaezoo.create``. Reads JSON, imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaezoo.errors import ConfigError, WeightsError, suggest

WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors")

KL_DEFAULTS: dict[str, Any] = {
    "block_out_channels": (64,),
    "layers_per_block": 1,
    "norm_num_groups": 32,
    "act_fn": "silu",
    "down_block_types": ("DownEncoderBlock2D",),
    "up_block_types": ("UpDecoderBlock2D",),
    "mid_block_add_attention": True,
    "use_quant_conv": True,
    "use_post_quant_conv": True,
    "latent_channels": 4,
    "scaling_factor": 0.18215,
    "shift_factor": None,
}
TINY_DEFAULTS: dict[str, Any] = {
    "encoder_block_out_channels": (64, 64, 64, 64),
    "num_encoder_blocks": (1, 3, 3, 3),
    "decoder_block_out_channels": (64, 64, 64, 64),
    "num_decoder_blocks": (3, 3, 3, 1),
    "act_fn": "relu",
    "upsampling_scaling_factor": 2,
    "upsample_fn": "nearest",
    "latent_channels": 4,
    "scaling_factor": 1.0,
    "shift_factor": 0.0,
}
"""Defaults of diffusers for keys that a config.json lacks. They differ from those of the parts here."""

FAMILIES = {"AutoencoderKL": ("autoencoder-kl", KL_DEFAULTS), "AutoencoderTiny": ("autoencoder-tiny", TINY_DEFAULTS)}
READ_HERE = ("in_channels", "out_channels", "sample_size", "latents_mean", "latents_std")
WITHOUT_EFFECT = ("block_out_channels", "force_upcast", "latent_magnitude", "latent_shift")
"""Keys without effect on encoder and decoder. The first has none for an AutoencoderTiny only."""


def arguments(path: str | Path) -> dict[str, Any]:
    """Returns the arguments for ``vaezoo.create`` of an autoencoder that diffusers saved.

        model = vaezoo.create(**vaezoo_diffusers.arguments("stable-diffusion-2/vae"))

    All settings are given explicitly, so the model can be made again without the file.

    Args:
        path: Folder of ``save_pretrained``, for model and weights; or a ``config.json``, for the model with random
            weights.

    Raises:
        ConfigError: The file is missing, is not JSON, or describes an autoencoder that is not supported.
        WeightsError: The folder has no safetensors file.
    """
    path = Path(path)
    config = _read(path / "config.json" if path.is_dir() else path)
    where = f"The configuration {path}"
    kind = config.get("_class_name")
    if kind not in FAMILIES:
        raise ConfigError(
            f"{where}: expected an autoencoder, got {kind!r}.", hint=suggest(str(kind), FAMILIES), value=kind
        )
    name, defaults = FAMILIES[kind]
    known = {*defaults, *READ_HERE, *WITHOUT_EFFECT}
    for key in config:
        if key not in known and not key.startswith("_"):
            raise ConfigError(f"{where}: unknown key {key!r}.", hint=suggest(key, known), value=key)
    if config.get("latents_mean") is not None or config.get("latents_std") is not None:
        raise ConfigError(
            f"{where}: latents_mean and latents_std scale each channel apart, which is not supported.",
            hint="Set both to null for latents scaled by scaling_factor alone.",
            value=where,
        )
    channels = {config.get("in_channels", 3), config.get("out_channels", 3)}
    if len(channels) > 1:
        raise ConfigError(f"{where}: expected as many channels out as in, got {sorted(channels)}.", value=channels)
    settings: dict[str, Any] = {"image_channels": channels.pop()}
    for key, default in defaults.items():
        value = config.get(key, default)
        settings[key] = tuple(value) if isinstance(value, list) else value
    settings["shift_factor"] = settings["shift_factor"] or 0.0
    if isinstance(side := config.get("sample_size"), int):
        settings["image_size"] = (side, side)
    if path.is_dir():
        settings["pretrained"] = str(_weights(path))
    return {"name": name, **settings}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"Expected a configuration of diffusers, cannot read {file}: {error.strerror}.", value=str(file)
        ) from error
    except ValueError as error:
        raise ConfigError(f"Expected JSON in {file}: {error}.", value=str(file)) from error
    if not isinstance(config, dict):
        raise ConfigError(f"Expected a mapping in {file}, got {type(config).__name__}.", value=str(file))
    return config


def _weights(folder: Path) -> Path:
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if not found:
        raise WeightsError(
            f"Expected {WEIGHTS[0]} in {folder}, found none.",
            hint="Load it with diffusers and save_pretrained(folder), or pass the config.json for random weights.",
            value=str(folder),
        )
    return found[0]
