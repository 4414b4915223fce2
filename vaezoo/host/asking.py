"""Asking plugins while the zoo works: about weights, about names of tensors, and after a model was made.

If a weight policy fails, the weights are refused, since its answer is unknown. If any other hook fails, there is a
warning and the hook is skipped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.errors import NetworkError, PluginError, WeightsError
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.kinds import at_its_own_risk
from vaezoo.host.manager import Zoo
from vaezoo.host.shared import is_stranger, undisturbed
from vaezoo.registry.cards import Card
from vaezoo.registry.registry import Registry
from vaezoo.registry.target import load_object
from vaezoo.store.schemes import LOCAL, REMOTE

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE


def refuse_weights(zoo: Zoo, card: Card) -> None:
    """Asks every weight policy whether weights may be used.

    Raises:
        WeightsError: A policy refuses them.
        PluginError: A policy fails.
    """
    for plugin, ask in zoo.implementations("vaezoo_weight_policy"):
        try:
            with undisturbed(plugin), guarded("hook-raised"):
                reasons = [str(reason) for reason in ask(card=card)]
        except Refused as error:
            raise PluginError(
                f"The plugin {plugin} cannot say whether the weights {card.name!r} may be used: {error.cause}",
                hint=f"Until it can, they may not be used. To disable it, set VAEZOO_DISABLE_PLUGINS={plugin}.",
                value=card.name,
            ) from error
        if reasons:
            raise WeightsError(
                f"The plugin {plugin} refuses the weights {card.name!r}: {' '.join(reasons)}", value=card.name
            )


def adapted(zoo: Zoo, model: str, owner: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames tensors to the present names of a model, by the plugin that declares it. If it fails, they stay.

    Args:
        zoo: Zoo whose plugins are asked.
        model: Name of the model.
        owner: Plugin that declares the model.
        tensors: Tensors of a file, by name.
    """
    from torch import Tensor

    for plugin, ask in zoo.implementations("vaezoo_adapt_state_dict"):
        if plugin != owner:
            continue
        try:
            with undisturbed(plugin), guarded("hook-raised"):
                for answer in ask(model=model, tensors=dict(tensors)):
                    _check_tensors(answer, Tensor)
                    return dict(answer)
        except Refused as error:
            _warn(
                f"the plugin {plugin} could not adapt the tensors of {model!r}, which stay as they are: {error.cause}"
            )
    return dict(tensors)


def _check_tensors(answer: Any, kind: type) -> None:
    if not isinstance(answer, Mapping):
        raise TypeError(f"expected a mapping of names to tensors, got {type(answer).__name__}")
    if wrong := [n for n, t in answer.items() if not (isinstance(n, str) and isinstance(t, kind))]:
        raise TypeError(f"expected a tensor under {wrong[0]!r}, got {type(answer[wrong[0]]).__name__}")


def tell_created(zoo: Zoo, name: str, model: VAE) -> None:
    """Shows a model that was just made to all plugins. If a stranger changes its weights, there is a warning."""
    for plugin, tell in zoo.implementations("vaezoo_after_create"):
        before = _sums_of_bits(model) if is_stranger(plugin) else {}
        try:
            with undisturbed(plugin), guarded("hook-raised"):
                tell(name=name, model=model)
        except Refused as error:
            _warn(f"the plugin {plugin} failed after {name!r} was made, which may lack what it adds: {error.cause}")
        if before and (after := _sums_of_bits(model)) != before:
            other = [key for key in {**before, **after} if before.get(key) != after.get(key)]
            _warn(
                f"the plugin {plugin} changed {len(other)} of the {len(before)} tensors of {name!r} after it was made, "
                f"such as {other[0]!r}"
            )


def _sums_of_bits(model: VAE) -> dict[str, tuple[Any, ...]]:
    """Returns type, shape and sum of the bits of each tensor, by name. The sum is the same in any memory layout."""
    import torch

    whole = {1: torch.int8, 2: torch.int16, 4: torch.int32}
    return {
        name: (t.dtype, t.shape, int(t.reshape(-1).view(whole.get(t.element_size(), torch.int64)).sum()))
        for name, t in model.state_dict().items()
        if isinstance(t, torch.Tensor)
    }


def _warn(text: str) -> None:
    warnings.warn(f"vaezoo: {text}", stacklevel=4)


def source_of(scheme: str, registry: Registry) -> Callable[[str, Path, int], bool]:
    """Returns the function that downloads from URLs of a scheme: vaezoo's own, or a plugin's.

    Raises:
        WeightsError: The scheme is unknown.
        DuplicateName: Two plugins provide the scheme.
    """
    if scheme in REMOTE:
        return REMOTE[scheme]
    if scheme not in registry.schemes.entries:
        known = ", ".join(dict.fromkeys((*LOCAL, *REMOTE, *registry.schemes.names())))
        raise WeightsError(f"the scheme is none of {known}", value=scheme)
    service = registry.schemes.get(scheme)

    def fill(url: str, part: Path, size: int) -> bool:
        with at_its_own_risk("URL scheme", scheme, service.source.owner, NetworkError):
            filler: Any = load_object(service.target, f"The source of {scheme}://")
            return bool(filler(url, part, size))

    return fill
