"""The contract that vaezoo asks of every plugin and model."""

from typing import ClassVar

import torch
from vaezoo.testing import ModelContract, PluginContract

from vaezoo_diffusers.table import SMALL

torch.set_num_threads(1)


class TestPlugin(PluginContract):
    package = "vaezoo_diffusers"


class TestKL(ModelContract):
    model = "sd-vae"
    params: ClassVar = SMALL["kl"]


class TestKLWithoutQuantConvolutions(ModelContract):
    """Sixteen latents, shifted and scaled, attention at a finer scale, a learned width."""

    model = "flux-vae"
    params: ClassVar = {
        **SMALL["kl"],
        "down_block_types": ("AttnDownEncoderBlock2D", "DownEncoderBlock2D"),
        "up_block_types": ("UpDecoderBlock2D", "AttnUpDecoderBlock2D"),
        "mid_block_add_attention": False,
        "decoder": {"scale": "learned", "likelihood": "laplace"},
    }


class TestTiny(ModelContract):
    model = "taesd"
    params: ClassVar = SMALL["tiny"]
