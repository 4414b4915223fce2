"""Asking plugins while the zoo works: may these weights be used, what are tensors called now, is a model well made.

A policy that fails forbids, since nobody knows what it would have said. Anything else that fails warns, and is passed
over.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.errors import NetworkError, PluginError, VaezooError, WeightsError
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.manager import Zoo
from vaezoo.registry.cards import Card
from vaezoo.registry.registry import Registry
from vaezoo.registry.target import load_object
from vaezoo.store.schemes import LOCAL, REMOTE

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE


def refuse_weights(zoo: Zoo, card: Card) -> None:
    """Asks every policy about some weights.

    Raises:
        WeightsError: One refuses them.
        PluginError: One cannot say.
    """
    for plugin, ask in zoo.implementations("vaezoo_weight_policy"):
        try:
            with guarded("hook-raised"):
                reasons = [str(reason) for reason in ask(card=card)]
        except Refused as error:
            raise PluginError(
                f"The plugin {plugin} cannot say whether the weights {card.name!r} may be used: {error.cause}",
                hint=f"Until it can, they may not. To do without it, set VAEZOO_DISABLE_PLUGINS={plugin}.",
                value=card.name,
            ) from error
        if reasons:
            raise WeightsError(
                f"The plugin {plugin} refuses the weights {card.name!r}: {' '.join(reasons)}", value=card.name
            )


def adapted(zoo: Zoo, model: str, owner: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns tensors under the names that a model's own plugin gives them today; as they are, where it fails.

    Args:
        zoo: Whose plugins are asked.
        model: The model's name.
        owner: The plugin that declares it.
        tensors: As they are in a file.
    """
    from torch import Tensor

    for plugin, ask in zoo.implementations("vaezoo_adapt_state_dict"):
        if plugin != owner:
            continue
        try:
            with guarded("hook-raised"):
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
    """Shows every plugin a model that was just made."""
    for plugin, tell in zoo.implementations("vaezoo_after_create"):
        try:
            with guarded("hook-raised"):
                tell(name=name, model=model)
        except Refused as error:
            _warn(f"the plugin {plugin} failed after {name!r} was made, which may lack what it adds: {error.cause}")


def _warn(text: str) -> None:
    warnings.warn(f"vaezoo: {text}", stacklevel=4)


def source_of(scheme: str, registry: Registry) -> Callable[[str, Path, int], bool]:
    """Returns what fills a partial file from URLs of a scheme: the house's own, else a plugin's.

    Raises:
        WeightsError: Nobody knows the scheme.
        DuplicateName: Two plugins do.
    """
    if scheme in REMOTE:
        return REMOTE[scheme]
    if scheme not in registry.schemes.entries:
        known = ", ".join(dict.fromkeys((*LOCAL, *REMOTE, *registry.schemes.names())))
        raise WeightsError(f"the scheme is none of {known}", value=scheme)
    service = registry.schemes.get(scheme)

    def fill(url: str, part: Path, size: int) -> bool:
        try:
            with guarded("hook-raised"):
                filler: Any = load_object(service.target, f"The source of {scheme}://")
                return bool(filler(url, part, size))
        except Refused as error:
            if isinstance(error.__cause__, VaezooError):
                raise error.__cause__ from None
            raise NetworkError(f"the plugin {service.source.owner}: {error.cause}", value=url) from error

    return fill
