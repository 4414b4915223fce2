"""From the tensor names of a file of diffusers to those of the parts here. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vaezoo.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

FROM_DIFFUSERS = re.compile(r"(encoder|decoder)\.(conv_in|layers)\.|(post_)?quant_conv\.")
ORIGINAL = re.compile(r"(first_stage_model\.)?(encoder|decoder)\.(down|up|mid)\.")
PARTS = {"encoder": "encoder.network", "decoder": "decoder.network"}
LAST = {"quant_conv": "encoder.quant_conv", "post_quant_conv": "decoder.post_quant_conv"}
ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Old names of attention layers; published files, such as sd-vae-ft-mse, still have them."""
_OLD = re.compile(r"(\.attentions\.\d+\.)(" + "|".join(ATTENTION) + r")\.(?=weight$|bias$)")


def adapt(tensors: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Returns the tensors of a file that diffusers saved under the names that the model has here.

    Args:
        tensors: As in the file.

    Returns:
        The same tensors; or None where the file is none of diffusers, such as one that vaezoo saved.

    Raises:
        WeightsError: The names are those of the original code of latent diffusion, from before diffusers.
    """
    if any(ORIGINAL.match(name) for name in tensors):
        raise WeightsError(
            "Expected tensors as diffusers or vaezoo name them, got those of the original latent diffusion code.",
            hint="Convert the file: diffusers.AutoencoderKL.from_single_file(path).save_pretrained(folder).",
        )
    if not any(FROM_DIFFUSERS.match(name) for name in tensors):
        return None
    return {_renamed(name): tensor for name, tensor in tensors.items()}


def _renamed(name: str) -> str:
    head, _, rest = name.partition(".")
    rest = _OLD.sub(lambda found: f"{found[1]}{ATTENTION[found[2]]}.", rest)
    return f"{(PARTS | LAST).get(head, head)}.{rest}" if rest else name
