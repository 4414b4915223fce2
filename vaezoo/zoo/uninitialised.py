"""Building modules whose weights are about to be loaded: drawing random ones first is a fifth of the time it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from torch import nn
from torch.overrides import TorchFunctionMode


@final
class Blank(TorchFunctionMode):
    """Inside, ``torch.nn.init`` leaves parameters as they lie in memory; all else is as ever.

    Only for modules that are loaded strictly right after: every parameter is then replaced. Buffers are not touched,
    since some of them are in no file.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Passes on every call but those that initialise a parameter."""
        named = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            tensor = args[0] if args else named.get("tensor")
            if isinstance(tensor, nn.Parameter):
                return tensor
        return func(*args, **named)
