"""A part's configuration: a frozen dataclass, from which its facts are read and the part is built. No torch."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from vaezoo.core.facts.facts import DecoderFacts, EncoderFacts, Grid, LossFacts, PriorFacts

Fields = ParamSpec("Fields")
Config = TypeVar("Config")
Built = TypeVar("Built")
Self = TypeVar("Self")

VECTORS = frozenset({"gaussian", "density", "dirac"})
"""Beliefs about one vector in each cell, as facts call them."""


class PartConfig(Protocol):
    """What the configuration of a part is: a frozen dataclass with this method.

    Its fields are the part's parameters. Each has a docstring below it, or a line under ``Attributes`` of the class's.
    What cannot be is refused in ``__post_init__``.
    """

    def facts(self) -> Any:
        """Returns what the part says of itself, such as :class:`vaezoo.core.facts.EncoderFacts`."""


@dataclass(frozen=True)
class NetworkConfig:
    """What most encoders and decoders are told; to inherit from.

    Attributes:
        latent_channels: Latent dimensions D, in each cell.
        image_channels: Channels C of a picture.
    """

    latent_channels: int
    image_channels: int = 1


@dataclass(frozen=True)
class _StridedConfig(NetworkConfig):
    """What a network with one vector in each cell is told.

    Attributes:
        stride: Side of a cell in pixels, which pictures arrive as multiples of.
    """

    stride: ClassVar[int] = 1

    def __init_subclass__(cls, stride: int | None = None) -> None:
        cls.stride = cls.stride if stride is None else stride


@dataclass(frozen=True)
class EncoderConfig(_StridedConfig):
    """What an encoder to a diagonal Gaussian in each cell is told; to inherit from, with ``stride=`` a cell's side."""

    def facts(self) -> EncoderFacts:
        """Returns the facts of an encoder that takes pictures of any size."""
        return EncoderFacts("gaussian", (Grid(self.latent_channels, self.stride),), self.image_channels)


@dataclass(frozen=True)
class DecoderConfig(_StridedConfig):
    """What a decoder to a Bernoulli likelihood is told; to inherit from, with ``stride=`` the cell's side."""

    def facts(self) -> DecoderFacts:
        """Returns the facts of a decoder that gives pictures of any size."""
        return DecoderFacts(Grid(self.latent_channels, self.stride), "bernoulli", self.image_channels)


@dataclass(frozen=True)
class PriorConfig:
    """What a prior over one vector in each cell is told; to inherit from.

    Attributes:
        latent_channels: Latent dimensions D, in each cell.
        latent_stride: Side of a cell in pixels; None for one vector a picture.
    """

    latent_channels: int
    latent_stride: int | None = None

    @property
    def grid(self) -> Grid:
        """The latents' grid."""
        return Grid(self.latent_channels, self.latent_stride)

    def facts(self) -> PriorFacts:
        """Returns the facts of a prior that takes any belief about one vector in each cell."""
        return PriorFacts(VECTORS, (self.grid,), self.grid)


@dataclass(frozen=True)
class LossConfig:
    """What a loss for every model is told: nothing; to inherit from."""

    def facts(self) -> LossFacts:
        """Returns the facts of a loss that needs a posterior with a density, and nothing else."""
        return LossFacts()


class accepts_keywords(Generic[Fields, Config]):
    """Lets a part that is built from its configuration be built from the configuration's fields, too.

    With it, ``ConvEncoder(8, widths=(32, 64))`` does what ``ConvEncoder(ConvEncoderConfig(8, widths=(32, 64)))`` does.

    Args:
        config: The class of the configuration.
    """

    def __init__(self, config: Callable[Fields, Config]) -> None:
        self.config = config

    @overload
    def __call__(self, build: Callable[[Config], Built], /) -> Callable[Fields, Built]: ...

    @overload
    def __call__(self, build: Callable[[Self, Config], None], /) -> Callable[Concatenate[Self, Fields], None]: ...

    def __call__(self, build: Callable[..., Any], /) -> Callable[..., Any]:
        """Returns a part's ``__init__``, or the function that makes the part, to be called either way."""
        config: Any = self.config
        own = list(inspect.signature(build).parameters.values())[:-1]

        @wraps(build)
        def built(*args: Any, **kwargs: Any) -> Any:
            before, rest = args[: len(own)], args[len(own) :]
            whole = len(rest) == 1 and not kwargs and isinstance(rest[0], config)
            return build(*before, rest[0] if whole else config(*rest, **kwargs))

        said: Any = built
        said.config = config
        said.__signature__ = inspect.Signature([*own, *inspect.signature(config).parameters.values()])
        return built


def former_facts(module: str, **configs: type[PartConfig]) -> Callable[[str], Callable[..., Any]]:
    """Returns a module's ``__getattr__`` that keeps the facts functions it had before there were configurations.

    Args:
        module: The module's name.
        **configs: The configuration that took each function's place, by the function's name.
    """

    def __getattr__(name: str) -> Callable[..., Any]:
        config = configs.get(name)
        if config is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        message = f"vaezoo: {module}.{name}(...) is {config.__name__}(...).facts() now"
        warnings.warn(message, FutureWarning, stacklevel=2)

        def facts(*args: Any, **kwargs: Any) -> Any:
            return config(*args, **kwargs).facts()

        facts.__name__ = facts.__qualname__ = name
        facts.__annotations__ = dict(config.__init__.__annotations__)
        said: Any = facts
        said.__signature__ = inspect.signature(config)
        said.__wrapped__ = config.__init__
        return facts

    return __getattr__
