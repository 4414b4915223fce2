"""A part's revision: which version of its arithmetic its weights were trained with. Weight files keep it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn


@final
class Revision(nn.Module):
    """Number of the version of a part's arithmetic that its weights were trained with.

    A part whose arithmetic was corrected has a revision, and computes as its number says. New parts have the latest
    number. A file from before the correction has no revision: loading it sets the number to 1.

    Args:
        number: Revision of the part as it is built.
    """

    number: Tensor

    def __init__(self, number: int) -> None:
        super().__init__()
        self.register_buffer("number", torch.tensor(number))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        state_dict.setdefault(prefix + "number", torch.ones_like(self.number))
        super()._load_from_state_dict(state_dict, prefix, *args)


def with_revisions(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns a file's tensors, with revision 1 for each part of the model without a revision in the file."""
    names = (f"{name}.number" for name, module in model.named_modules() if isinstance(module, Revision))
    return {name: torch.tensor(1) for name in names} | dict(tensors)
