"""The models as a table of configurations. Their declarations are computed from it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

LDM = "High-Resolution Image Synthesis with Latent Diffusion Models, arXiv:2112.10752"
SDXL = "SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis, arXiv:2307.01952"
SD3 = "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis, arXiv:2403.03206"
TAESD = "Tiny AutoEncoder for Stable Diffusion, github.com/madebyollin/taesd"
KL_DIFFERS = (
    "Published weights come of perceptual and adversarial losses and a rate of little weight, 1e-6 in latent "
    "diffusion; here the loss is the bound, rates are those of scaled latents, and a pixel has a stated scale."
)
TINY_DIFFERS = "The published forward pass rounds latents to 8 bits; here they stay as they are."
PUBLISHED_SCALE = 0.06
"""10^(−PSNR/20) of 24.5 dB (sd-vae-ft-mse) and 24.7 dB (SDXL), reconstructions of COCO 2017 val at 256×256 pixels,
from the model cards of stabilityai/sd-vae-ft-mse and stabilityai/sdxl-vae."""


class Row(NamedTuple):
    """One named model.

    Attributes:
        family: Family, ``kl`` or ``tiny``.
        summary: One sentence that describes the model.
        paper: Source of the model.
        side: Side, in pixels, of the square images that it was trained for or on.
        settings: Settings that differ from the parts' defaults.
        scale: Standard deviation of a pixel in [0, 1]. None means the parts' default, since none was published.
    """

    family: str
    summary: str
    paper: str
    side: int
    settings: Mapping[str, Any]
    scale: float | None = None


_PLAIN = {"latent_channels": 4}
_WIDE = {"latent_channels": 16}
_BARE = {"use_quant_conv": False, "use_post_quant_conv": False}

TABLE = {
    "autoencoder-kl": Row("kl", "Any AutoencoderKL of diffusers, by its settings.", LDM, 256, _PLAIN),
    "autoencoder-tiny": Row("tiny", "Any AutoencoderTiny of diffusers, by its settings.", TAESD, 256, _PLAIN),
    "sd-vae": Row(
        "kl",
        "The autoencoder of Stable Diffusion 1 and 2: 4 latents for 8×8 pixels.",
        LDM,
        512,
        {**_PLAIN, "scaling_factor": 0.18215},
        PUBLISHED_SCALE,
    ),
    "sdxl-vae": Row(
        "kl",
        "The autoencoder of SDXL: 4 latents for 8×8 pixels.",
        SDXL,
        1024,
        {**_PLAIN, "scaling_factor": 0.13025},
        PUBLISHED_SCALE,
    ),
    "sd3-vae": Row(
        "kl",
        "The autoencoder of Stable Diffusion 3: 16 latents for 8×8 pixels.",
        SD3,
        1024,
        {**_WIDE, **_BARE, "scaling_factor": 1.5305, "shift_factor": 0.0609},
    ),
    "flux-vae": Row(
        "kl",
        "The autoencoder of FLUX.1: 16 latents for 8×8 pixels.",
        "FLUX.1, github.com/black-forest-labs/flux",
        1024,
        {**_WIDE, **_BARE, "scaling_factor": 0.3611, "shift_factor": 0.1159},
    ),
    "taesd": Row("tiny", "A tiny twin of sd-vae: its latents in a few convolutions.", TAESD, 512, _PLAIN),
    "taesdxl": Row("tiny", "A tiny twin of sdxl-vae.", TAESD, 1024, _PLAIN),
    "taesd3": Row("tiny", "A tiny twin of sd3-vae.", TAESD, 1024, _WIDE),
    "taef1": Row("tiny", "A tiny twin of flux-vae.", TAESD, 1024, _WIDE),
}

SMALL: dict[str, dict[str, Any]] = {
    "kl": {"block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4, "image_size": (16, 16)},
    "tiny": {
        "encoder_block_out_channels": (8, 8, 8),
        "num_encoder_blocks": (1, 1, 1),
        "decoder_block_out_channels": (8, 8, 8),
        "num_decoder_blocks": (1, 1, 1),
        "image_size": (16, 16),
    },
}
"""Settings of each family for tests that take seconds."""


def declaration(row: Row) -> dict[str, Any]:
    """Returns a model's declaration as in a registry file."""
    kl = row.family == "kl"
    part = f"autoencoder-{row.family}"
    return {
        "summary": row.summary,
        "paper": row.paper,
        "differs": KL_DIFFERS if kl else TINY_DIFFERS,
        "shared": {"image_channels": 3, "image_size": (row.side, row.side), **row.settings},
        "encoder": part,
        "prior": "normal",
        "decoder": {"name": part} if row.scale is None else {"name": part, "scale": row.scale},
        "loss": "elbo" if kl else "reconstruction",
    }
