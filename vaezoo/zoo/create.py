"""Building models and objectives from specifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from operator import index
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from vaezoo.errors import BackendUnavailable, ConfigError, VaezooError, suggest, words_of
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.host.shared import undisturbed
from vaezoo.registry.parameters import check_pair, said_of
from vaezoo.registry.registry import is_file, split_name
from vaezoo.registry.target import load_object
from vaezoo.zoo.specs import ModelSpec, Overrides, PartSpec, resolve

if TYPE_CHECKING:
    import torch

    from vaezoo.core import VAE, Loss, Objective
    from vaezoo.zoo.lock import Lock
    from vaezoo.zoo.weights import LoadReport


@dataclass(frozen=True)
class Origin:
    """How a model was made.

    Attributes:
        name: Name that was asked for.
        spec: Specification of the model.
        weights: Report on the loaded weights; None for random weights.
    """

    name: str
    spec: ModelSpec
    weights: LoadReport | None = None


def build(part: PartSpec) -> Any:
    """Builds a part from its specification.

    Raises:
        BackendUnavailable: A package that the part needs cannot be imported.
        PartMismatch: The constructor takes other arguments than the registered configuration or facts function.
        ConfigError: The part needs more memory than the machine has.
    """
    what, owner = f"The {part.part.slot} {part.part.name!r}", part.part.source.owner
    with undisturbed(owner):
        target = load_object(part.part.target, what)
    check_pair(target, said_of(part.part), what)
    try:
        with undisturbed(owner, draws=True):
            return target(**part.arguments) if part.config is None else target(part.config)
    except ImportError as error:
        raise BackendUnavailable(
            f"{what} needs a package that fails to import: {error}", value=part.part.name
        ) from error
    except (RuntimeError, MemoryError, TypeError) as error:
        from vaezoo.core.machine.memory import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        said = words_of(error).partition(" Exception raised")[0].rpartition(": ")[2]  # without torch's own stack
        message = f"{what} needs more memory than this machine has: {said}."
        raise ConfigError(message, hint="Give smaller sizes.", value=part.part.name) from error


def build_model(spec: ModelSpec, *, blank: bool = False) -> VAE:
    """Builds a model from its specification.

    Args:
        spec: Specification, resolved and checked.
        blank: Whether to leave the weights uninitialised, because they are loaded next. Otherwise they are random.
    """
    from vaezoo.core import VAE
    from vaezoo.zoo.uninitialised import Blank

    slots = ("encoder", "prior", "decoder", "conditioner", "refine")
    with Blank() if blank else nullcontext():
        parts: dict[str, Any] = {slot: build(part) if (part := spec.parts[slot]) else None for slot in slots}
    return VAE(**parts, encodes=spec.encodes, default_size=spec.default_size)  # type: ignore[arg-type]


_SEEDED = RLock()
"""Held while the global generator is borrowed. So threads that all give seeds create what a single one would."""


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Context manager that seeds the global generator and restores it afterwards; None does nothing."""
    if seed is None:
        yield
        return
    import torch

    try:
        number = index(seed)
    except TypeError:
        number = 2**64
    if not -(2**63) <= number < 2**64:
        raise ConfigError(f"Expected a seed as a whole number of 64 bits, got {seed!r}.", value=seed)
    with _SEEDED, torch.random.fork_rng():
        torch.manual_seed(number)
        yield


def create(
    name: str,
    *,
    pretrained: bool | str | Path | None = None,
    overrides: Overrides = (),
    seed: int | None = None,
    device: Any = None,
    dtype: Any = None,
    lock: bool | str | Path | None = None,
    zoo: Zoo | None = None,
    **params: Any,
) -> VAE:
    """Creates a model by name.

    Args:
        name: ``arch``, ``arch.tag`` or ``plugin/arch``, see :func:`vaezoo.list_models`.
        pretrained: Which weights to load. True: those of the tag in the name, or else the model's default. A tag: the
            weights of that tag. A path (a `Path`, or a text that has a slash or ends in ``.safetensors``): that file.
            False: random weights. None: True where the name has a tag, else False.
        overrides: Settings to change: ``["loss.beta=2", "encoder=resnet"]`` or ``{"loss.beta": 2}``.
        seed: Random seed of the initial weights. The global generator stays as it was.
        device: Device of the model, such as ``"cuda"``. None keeps torch's default device.
        dtype: Floating-point type of the parameters. None means float32.
        lock: Lock file, as ``vaezoo lock`` writes it, that the model must agree with. True means ``vaezoo.lock`` in the
            working folder. None means what ``$VAEZOO_LOCK`` says.
        zoo: Zoo to look names up in. None means the installed zoo.
        **params: Overrides as keyword arguments: ``encoder="resnet"``, ``latent_channels=8``.

    Returns:
        The model, in evaluation mode if weights were loaded. ``model.origin`` says how it was made.

    Raises:
        UnknownName: No model has the name, or the model has no such tag.
        ConfigError: An override is unknown or of the wrong type. The device or dtype cannot be used. The tag in the
            name and ``pretrained`` contradict each other.
        IncompatibleParts: The parts cannot work together.
        WeightsError: The weights cannot be trusted or do not fit.
        LockMismatch: The model differs from the lock.
        PluginError: The model may belong to a plugin that failed to load.
    """
    kept = zoo or current_zoo()
    spec = _resolve(kept, name, overrides, params)
    chosen = _chosen(name, pretrained)
    held = _held(kept, spec, name, chosen, lock)
    with seeded(seed):
        model = build_model(spec, blank=chosen is not False)
    report = None
    if chosen is not False:
        report = _load(model, kept, spec, name, chosen)
        if held is not None and report.card is None:
            held.hold_file(spec, report.sha256)
        model.eval()
    model.origin = Origin(name, spec, report)
    model = place(model, device, dtype)
    from vaezoo.host.asking import tell_created

    tell_created(kept, name, model)
    return model


def place(model: VAE, device: Any = None, dtype: Any = None) -> VAE:
    """Moves a model to a device and a floating-point type. None leaves either as it is.

    Raises:
        ConfigError: The device or the type cannot be used.
    """
    if device is None and dtype is None:  # .to() would look at every tensor for nothing
        return model
    from vaezoo.core.machine.device import find_device

    return model.to(device=None if device is None else find_device(device), dtype=_floating(dtype))


def create_objective(
    name: str, *, overrides: Overrides = (), seed: int | None = None, zoo: Zoo | None = None, **params: Any
) -> Objective:
    """Creates a model together with its loss, ready to train.

    The weights are those of the tag in the name, or random. The arguments are those of :func:`create`.
    """
    from vaezoo.core import Objective

    kept = zoo or current_zoo()
    spec = _resolve(kept, name, overrides, params)
    with seeded(seed):
        model = build_model(spec)
        loss: Loss = build(cast(PartSpec, spec.parts["loss"]))  # a model without a loss does not resolve
    report = _load(model, kept, spec, name, True) if split_name(name)[1] else None
    model.origin = Origin(name, spec, report)
    return Objective(model, loss)


def _resolve(kept: Zoo, name: str, overrides: Overrides, params: Mapping[str, Any]) -> ModelSpec:
    try:
        return resolve(kept.registry, name, overrides, params)
    except VaezooError as error:
        if kept.failed() and error.code == "unknown-name":
            causes = "; ".join(f"{p.name} is {p.status}: {p.cause}" for p in kept.failed())
            raise type(error)(f"{error} It may belong to a plugin that failed to load: {causes}", value=name) from error
        raise


def _chosen(name: str, pretrained: bool | str | Path | None) -> bool | str | Path:
    """Returns which weights to load, False for random ones; raises where ``pretrained`` contradicts the name's tag."""
    arch, tag = split_name(name)
    if pretrained is None:
        return tag is not None
    if tag is None or pretrained is True or pretrained == tag:
        return pretrained
    if pretrained is False:
        raise ConfigError(
            f"Expected the weights of the tag in the name {name!r}, got pretrained=False.",
            hint=f"Use the name {arch!r} for random weights.",
            value=name,
        )
    if isinstance(pretrained, str) and not is_file(pretrained):
        raise ConfigError(
            f"Expected one tag, got {tag!r} in the name and pretrained={pretrained!r}.", hint="Drop one.", value=name
        )
    return pretrained


def _load(model: VAE, kept: Zoo, spec: ModelSpec, name: str, pretrained: bool | str | Path) -> LoadReport:
    from vaezoo.zoo.weights import load_into

    return load_into(model, kept.registry, _called(kept, spec), _which(name, pretrained), zoo=kept)


def _called(kept: Zoo, spec: ModelSpec) -> str:
    """Returns a model's name, preceded by its plugin where several plugins have a model of that name."""
    model = spec.model
    alone = len(kept.registry.models.entries.get(model.name, ())) < 2
    return model.name if alone else f"{model.source.owner}/{model.name}"


def _held(kept: Zoo, spec: ModelSpec, name: str, pretrained: bool | str | Path, lock: Any) -> Lock | None:
    """Returns the lock that a model must agree with, after the checks that need no weights."""
    from vaezoo.zoo.lock import Lock, lock_path
    from vaezoo.zoo.weights import pick

    path = lock_path(lock)
    if path is None:
        return None
    held = Lock(path)
    which = False if pretrained is False else _which(name, pretrained)
    held.hold(
        spec, pick(kept.registry, _called(kept, spec), which) if which is None or isinstance(which, str) else None, kept
    )
    return held


def _which(name: str, pretrained: bool | str | Path) -> str | Path | None:
    """Returns a tag, a path, or None for the default weights."""
    if pretrained is True:
        return split_name(name)[1]
    if not isinstance(pretrained, str | Path):
        raise ConfigError(f"Expected pretrained as True, False, a tag or a path, got {pretrained!r}.", value=pretrained)
    return Path(pretrained) if isinstance(pretrained, Path) or is_file(pretrained) else pretrained


def _floating(dtype: Any) -> torch.dtype | None:
    import torch

    named = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if named is not None and not (isinstance(named, torch.dtype) and named.is_floating_point):
        raise ConfigError(f"Expected a floating point dtype, got {dtype!r}.", value=dtype)
    if isinstance(dtype, str) and named is None:
        raise ConfigError(
            f"Expected a dtype, got {dtype!r}.",
            hint=suggest(dtype, ["float32", "float64", "float16", "bfloat16"]),
            value=dtype,
        )
    return named
