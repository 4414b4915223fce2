"""Turning a name and overrides into a checked specification. Each value has its type and its origin. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, replace
from functools import partial
from typing import Any

from yaml import YAMLError

from vaezoo.core.facts import ModelFacts, misfits
from vaezoo.errors import ConfigError, IncompatibleParts, suggest
from vaezoo.files.yaml import check_plain
from vaezoo.moved import former
from vaezoo.registry.declared import MODEL, SLOTS
from vaezoo.registry.entries import Model, Part, Source
from vaezoo.registry.parameters import parameters_of, said_of
from vaezoo.registry.registry import Registry, split_name
from vaezoo.registry.typed import typed

_MODEL_KEYS = set(MODEL["properties"])
Overrides = Mapping[str, Any] | Iterable[str]


@dataclass(frozen=True)
class Value:
    """A configuration value and where it came from."""

    value: Any
    origin: str


@dataclass(frozen=True)
class PartSpec:
    """A part with its whole configuration.

    Attributes:
        part: Registered part.
        params: All parameters, by name.
        facts: Facts of the part under these parameters.
        config: Configuration that the part is built from; None where the part has a facts function instead.
    """

    part: Part
    params: dict[str, Value]
    facts: Any
    config: Any = None

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments for the part's constructor."""
        return {name: value.value for name, value in self.params.items()}


@dataclass(frozen=True)
class ModelSpec:
    """A model's specification, resolved and checked.

    Attributes:
        model: Model, as declared.
        parts: Parts by slot. A slot may be None.
        shared: Shared values; each part that has a parameter of that name receives it.
        encodes: Which image the encoder reads, ``input`` or ``target``.
        default_size: (H, W) of samples when no size is given, from the shared ``image_size``.
        origins: Where the choice of each part, by slot, and of ``encodes`` came from.
    """

    model: Model
    parts: dict[str, PartSpec | None]
    shared: dict[str, Value] = field(default_factory=dict)
    encodes: str = "input"
    default_size: tuple[int, int] | None = None
    origins: dict[str, str] = field(default_factory=dict)


def resolve(
    registry: Registry, name: str, overrides: Overrides = (), params: Mapping[str, Any] | None = None
) -> ModelSpec:
    """Resolves the name of a model into a specification.

    Args:
        registry: Registry to look names up in.
        name: ``arch``, ``arch.tag`` or ``plugin/arch``.
        overrides: Settings to change: ``["loss.beta=2", ...]`` or ``{"loss.beta": 2}``. A slot's own name chooses its
            part.
        params: Further settings: shared names (``latent_channels=8``), slots, or whole parts as mappings.

    Raises:
        UnknownName: The model or a part is not registered.
        ConfigError: A key is unknown, or a value has the wrong type. The message has a suggestion.
        IncompatibleParts: The parts cannot work together. The message has a sentence for each bad pair.
    """
    model = registry.models.get(split_name(name)[0])
    origin = str(model.source)
    draft = _Draft(model.name)
    for key, value in model.body.items():
        if key not in _MODEL_KEYS:
            raise ConfigError(
                f"{origin}: unknown key {key!r} in the model {model.name!r}.", hint=suggest(key, _MODEL_KEYS), value=key
            )
        if key == "shared":
            if not isinstance(value, Mapping):
                raise ConfigError(f"{origin}: expected a mapping under 'shared', got {value!r}.", value=value)
            draft.shared.update({k: Value(v, _origin(model.source, value, k)) for k, v in value.items()})
        elif key in SLOTS:
            draft.choose(key, value, replace(model.source, line=_line(model.body, key, model.source.line)))
    if "encodes" in model.body:
        draft.put(registry, "encodes", str(model.body["encodes"]), _origin(model.source, model.body, "encodes"))
    for key, value in pairs(overrides):
        draft.put(registry, key, value, "override")
    for key, value in (params or {}).items():
        draft.put(registry, key, value, "argument")
    if draft.encodes not in ("input", "target"):
        raise ConfigError(f"Expected encodes to be 'input' or 'target', got {draft.encodes!r}.", value=draft.encodes)
    parts = draft.settle(registry)
    facts = {slot: part.facts if part else None for slot, part in parts.items()}
    names = {slot: part.part.name for slot, part in parts.items() if part}
    sentences = misfits(ModelFacts(**facts, encodes=draft.encodes, names=names))  # type: ignore[arg-type]
    if sentences:
        raise IncompatibleParts(" ".join(sentences), value=model.name)
    size = draft.shared.get("image_size")
    if (channels := parts["decoder"].facts.image_channels) < 1:  # type: ignore[union-attr]
        raise ConfigError(f"Expected image_channels of at least 1, got {channels}.", value=channels)
    default_size = None if size is None else typed(tuple[int, int] | None, size.value, "image_size")
    if default_size is not None and min(default_size) < 1:
        raise ConfigError(f"Expected image_size as height and width of at least 1, got {default_size}.", value=size)
    return ModelSpec(model, parts, draft.shared, draft.encodes, default_size, draft.origins)


def _line(body: Any, key: str, otherwise: int | None) -> int | None:
    """Returns the line of a key, if the body was read from a file."""
    line: int | None = getattr(body, "lines", {}).get(key, otherwise)
    return line


def _origin(source: Source | str, body: Any, key: str) -> str:
    """Returns where a value of a body came from, with its line if known."""
    return source if isinstance(source, str) else str(replace(source, line=_line(body, key, source.line)))


def pairs(overrides: Overrides) -> list[tuple[str, Any]]:
    """Returns overrides as keys and values. The value of a text ``key=value`` is read as YAML.

    Raises:
        ConfigError: An override is not of the form ``key=value``.
    """
    if isinstance(overrides, str):
        overrides = [overrides]
    keys = list(overrides) if isinstance(overrides, Iterable) else [overrides]
    if wrong := [key for key in keys if not isinstance(key, str)]:
        raise ConfigError(f"Expected overrides as texts key=value or a mapping, got {wrong[0]!r}.", value=wrong[0])
    if isinstance(overrides, Mapping):
        return list(overrides.items())
    from omegaconf import OmegaConf  # imported late: it would take a seventh of the time to list models
    from omegaconf.errors import OmegaConfBaseException

    found = []
    for text in keys:
        key, equals, _ = text.partition("=")
        if not equals:
            raise ConfigError(f"Expected an override as key=value, got {text!r}.", value=text)
        try:
            check_plain(text[len(key) + 1 :])
            parsed: Any = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text[len(key) + 1 :]}"]))
        except (OmegaConfBaseException, YAMLError) as error:
            raise ConfigError(f"Expected YAML after {key}=, got {text[len(key) + 1 :]!r}.", value=text) from error
        found.append((key.strip(), parsed["value"]))
    return found


_SAID = ("override", "argument")
"""Origins of values that the caller gave, as opposed to the model's registry."""


class _Draft:
    """A specification under construction."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.shared: dict[str, Value] = {}
        self.names: dict[str, str | None] = dict.fromkeys(SLOTS)
        self.explicit: dict[str, dict[str, Value]] = {slot: {} for slot in SLOTS}
        self.encodes = "input"
        self.origins = {"encodes": "default"}

    def choose(self, slot: str, choice: Any, origin: Source | str) -> None:
        """Fills a slot, by a part's name or a mapping with ``name`` and parameters.

        The same part keeps the parameters it has.
        """
        if choice is None:
            if slot in ("prior", "decoder", "loss"):
                raise ConfigError(f"The model {self.model!r} needs a {slot}, got None.", value=slot)
            self.names[slot], self.explicit[slot], self.origins[slot] = None, {}, str(origin)
            return
        body = {"name": choice} if isinstance(choice, str) else choice
        if not isinstance(body, Mapping):
            raise ConfigError(f"Expected {slot} as a part's name or a mapping, got {choice!r}.", value=choice)
        name = body.get("name", self.names[slot])
        if not isinstance(name, str):
            raise ConfigError(f"Expected the {slot} to name its part, got {dict(body)!r}.", value=dict(body))
        if name != self.names[slot]:
            self.names[slot], self.explicit[slot], self.origins[slot] = name, {}, _origin(origin, body, "name")
        self.explicit[slot].update({k: Value(v, _origin(origin, body, k)) for k, v in body.items() if k != "name"})

    def put(self, registry: Registry, key: str, value: Any, origin: str) -> None:
        """Overrides one value."""
        slot, dot, rest = key.partition(".")
        if key in SLOTS:
            self.choose(key, value, origin)
        elif key == "encodes":
            self.encodes, self.origins["encodes"] = value, origin
        elif dot and slot in SLOTS:
            self.choose(slot, {"name": value} if rest == "name" else {rest: value}, origin)
        elif dot and slot == "shared":
            self.put(registry, rest, value, origin)
        else:
            signatures = {s: parameters_of(registry.parts[s].get(n)) for s, n in self.names.items() if n}
            known = {"image_size", *self.shared}.union(*signatures.values())
            if key not in known:
                options = known | set(SLOTS) | {f"{s}.{p}" for s, names in signatures.items() for p in names}
                raise ConfigError(
                    f"The model {self.model!r} has no setting {key!r}.", hint=suggest(key, options), value=key
                )
            self.shared[key] = Value(value, origin)
            for slot in SLOTS:  # the last word counts, also over what the model says of a single part
                self.explicit[slot].pop(key, None)

    def settle(self, registry: Registry) -> dict[str, PartSpec | None]:
        """Returns the parts with all parameters. The prior receives the encoder's grid."""
        parts: dict[str, PartSpec | None] = {}
        shared = dict(self.shared)
        for slot in ("conditioner", "encoder", "prior", "decoder", "refine", "loss"):
            name = self.names[slot]
            parts[slot] = (
                None if name is None else _part_spec(registry.parts[slot].get(name), self.explicit[slot], shared)
            )
            spec = parts[slot]
            if spec is None:
                continue
            if slot == "conditioner" and spec.facts.vector:
                shared["context_vector"] = Value(spec.facts.vector, f"the conditioner {name!r}")
            if slot == "encoder":
                grid, origin = spec.facts.grids[-1], f"the encoder {name!r}"
                shared |= {"latent_channels": Value(grid.channels, origin), "latent_stride": Value(grid.stride, origin)}
        used = set().union(*({v for v in p.params} for p in parts.values() if p))
        idle = set(self.shared) - used - {"image_size"}
        if any(self.origins.get(slot) in _SAID for slot in SLOTS):
            # a shared setting that only a replaced part took is dropped with it
            self.shared = {k: v for k, v in self.shared.items() if k not in idle or v.origin in _SAID}
            idle &= set(self.shared)
        if idle:
            raise ConfigError(
                f"No part of {self.model!r} takes the shared setting {sorted(idle)[0]!r}.",
                hint=suggest(sorted(idle)[0], used),
                value=sorted(idle)[0],
            )
        return parts


def _part_spec(part: Part, explicit: Mapping[str, Value], shared: Mapping[str, Value]) -> PartSpec:
    what = f"The {part.slot} {part.name!r}"
    schema = parameters_of(part)
    for key in explicit:
        if key not in schema:
            raise ConfigError(f"{what} has no parameter {key!r}.", hint=suggest(key, {*schema, "name"}), value=key)
    params = {}
    for key, parameter in schema.items():
        value = explicit.get(key) or shared.get(key)
        if value is None:
            if parameter.default is MISSING:
                raise ConfigError(f"{what} needs {key!r}.", hint=f"Set {key} or {part.slot}.{key}.", value=key)
            params[key] = Value(parameter.default, "default")
        else:
            params[key] = Value(typed(parameter.kind, value.value, f"{what}, {key}"), value.origin)
    arguments = {name: value.value for name, value in params.items()}
    made = said_of(part)(**arguments)
    return PartSpec(part, params, made) if part.facts is not None else PartSpec(part, params, made.facts(), made)


__getattr__ = partial(former, __name__)
