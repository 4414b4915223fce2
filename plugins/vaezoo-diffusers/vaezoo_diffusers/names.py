"""Converts tensor names of published files to those of the parts here. Imports no torch.

Three naming schemes are known: that of diffusers; the same with the former names of attention layers; and that of the
original latent diffusion code, which Stable Diffusion's and FLUX's own files have, alone or in a whole checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WHOLE = "first_stage_model."
"""Prefix of the autoencoder's names in the checkpoint of a whole diffusion model."""
FOREIGN = re.compile(r"(encoder|decoder)\.(conv_in|layers)\.|(post_)?quant_conv\.")
LEFT_OVER = ("model_ema.", "loss.")
"""Prefixes of the state of training, in some files of the original code."""
ATTENTION = {
    "query": "to_q",
    "key": "to_k",
    "value": "to_v",
    "proj_attn": "to_out.0",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
    "norm": "group_norm",
}
"""Layers of an attention block: former names in diffusers, as in sd-vae-ft-mse; then those of the original code."""
_LAYER = re.compile(rf"(\.attentions\.\d+\.)({'|'.join(ATTENTION)})(?=\.(?:weight|bias)$)")
_ORIGINAL = (
    (re.compile(r"\.(down|up)\.(\d+)\.block\."), r".\1_blocks.\2.resnets."),
    (re.compile(r"\.(down|up)\.(\d+)\.attn\."), r".\1_blocks.\2.attentions."),
    (re.compile(r"\.(down|up)\.(\d+)\.(down|up)sample\."), r".\1_blocks.\2.\3samplers.0."),
    (re.compile(r"\.mid\.block_1\."), ".mid_block.resnets.0."),
    (re.compile(r"\.mid\.block_2\."), ".mid_block.resnets.1."),
    (re.compile(r"\.mid\.attn_1\."), ".mid_block.attentions.0."),
    (re.compile(r"\.nin_shortcut\."), ".conv_shortcut."),
    (re.compile(r"\.norm_out\."), ".conv_norm_out."),
)
_UP = re.compile(r"(\.up_blocks\.)(\d+)(?=\.)")
PARTS = {
    "encoder": "encoder.network",
    "decoder": "decoder.network",
    "quant_conv": "encoder.quant_conv",
    "post_quant_conv": "decoder.post_quant_conv",
}


def adapt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Renames the tensors of a published file to the names that the model has here.

    Attention layers that the original code stores as 1×1 convolutions become matrices.

    Args:
        tensors: Tensors of the file, by name.

    Returns:
        Renamed tensors, without those that do not belong to the autoencoder. None if the naming scheme is none of the
        above, as in a file that vaezoo saved.
    """
    if any(name.startswith(WHOLE) for name in tensors):
        tensors = {name.removeprefix(WHOLE): tensor for name, tensor in tensors.items() if name.startswith(WHOLE)}
    if not any(FOREIGN.match(name) for name in tensors):
        return None
    renamed = {_modern(name): tensor for name, tensor in tensors.items() if not name.startswith(LEFT_OVER)}
    if any(".up." in name for name in tensors):  # the original code counts these from fine to coarse
        last = max(int(found[2]) for name in renamed if (found := _UP.search(name)))
        renamed = {_UP.sub(lambda m: f"{m[1]}{last - int(m[2])}", name): tensor for name, tensor in renamed.items()}
    return {_placed(name): _matrix(name, tensor) for name, tensor in renamed.items()}


def _modern(name: str) -> str:
    """Returns a name as diffusers has it today, apart from the number of an up block."""
    for original, modern in _ORIGINAL:
        name = original.sub(modern, name)
    return _LAYER.sub(lambda found: found[1] + ATTENTION[found[2]], name)


def _placed(name: str) -> str:
    head, dot, rest = name.partition(".")
    return f"{PARTS.get(head, head)}{dot}{rest}"


def _matrix(name: str, tensor: Tensor) -> Tensor:
    return tensor[:, :, 0, 0] if ".attentions." in name and tensor.dim() == 4 else tensor
