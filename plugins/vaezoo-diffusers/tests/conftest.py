"""Autoencoders of diffusers at random weights, small, and the same ones as models of vaezoo."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vaezoo_diffusers.backend import import_blocks

torch.set_num_threads(1)
import_blocks()  # also mends torchvision, which diffusers imports, beside a CPU build of torch

from diffusers import AutoencoderKL, AutoencoderTiny  # noqa: E402

CONFIGS: dict[str, tuple[type, dict[str, Any]]] = {
    "sd": (AutoencoderKL, {"layers_per_block": 2, "norm_num_groups": 4, "block_out_channels": (8, 16, 16)}),
    "flux": (
        AutoencoderKL,
        {
            "latent_channels": 16,
            "norm_num_groups": 8,
            "block_out_channels": (8, 16),
            "scaling_factor": 0.3611,
            "shift_factor": 0.1159,
            "use_quant_conv": False,
            "use_post_quant_conv": False,
            "mid_block_add_attention": False,
        },
    ),
    "gray": (
        AutoencoderKL,
        {"in_channels": 1, "out_channels": 1, "norm_num_groups": 2, "block_out_channels": (4, 6, 8), "act_fn": "mish"},
    ),
    "attentive": (
        AutoencoderKL,
        {
            "block_out_channels": (8, 8),
            "norm_num_groups": 4,
            "down_block_types": ("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
            "up_block_types": ("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        },
    ),
    "tiny": (
        AutoencoderTiny,
        {
            "encoder_block_out_channels": (8, 8, 8),
            "num_encoder_blocks": (1, 1, 2),
            "decoder_block_out_channels": (12, 12, 12),
            "num_decoder_blocks": (2, 1, 1),
            "scaling_factor": 1.3,
            "shift_factor": 0.2,
        },
    ),
}


def theirs(key: str) -> Any:
    """The autoencoder of diffusers at random weights, every one of them away from its initial value."""
    kind, settings = CONFIGS[key]
    if kind is AutoencoderKL and "down_block_types" not in settings:
        scales = len(settings["block_out_channels"])
        settings = {
            **settings,
            "down_block_types": ("DownEncoderBlock2D",) * scales,
            "up_block_types": ("UpDecoderBlock2D",) * scales,
        }
    torch.manual_seed(0)
    made: nn.Module = kind(**settings).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return made


@pytest.fixture(params=list(CONFIGS))
def key(request):
    return request.param


@pytest.fixture
def folder(key, tmp_path):
    """A folder that diffusers saved, and the autoencoder in it."""
    made = theirs(key)
    made.save_pretrained(tmp_path / key)
    return tmp_path / key, made
