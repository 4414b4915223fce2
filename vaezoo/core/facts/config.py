"""A part's configuration: a frozen dataclass that gives the facts of the part and from which the part is built."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from vaezoo.core.facts.facts import DecoderFacts, EncoderFacts, Grid, LossFacts, PriorFacts

Fields = ParamSpec("Fields")
Config = TypeVar("Config")
Built = TypeVar("Built")
Self = TypeVar("Self")

VECTORS = frozenset({"gaussian", "density", "dirac"})
"""Names in facts of the beliefs over one vector in each cell."""


class PartConfig(Protocol):
    """The configuration of a part: a frozen dataclass with a method ``facts``.

    Its fields are the part's parameters. Each has a docstring below it, or a line under ``Attributes`` of the class.
    ``__post_init__`` raises :class:`vaezoo.errors.ConfigError` for impossible values.
    """

    def facts(self) -> Any:
        """Returns the facts of the part, such as :class:`vaezoo.core.facts.EncoderFacts`."""


@dataclass(frozen=True)
class NetworkConfig:
    """Base of the configurations of most encoders and decoders.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        image_channels: Number of image channels C.
    """

    latent_channels: int
    image_channels: int = 1


@dataclass(frozen=True)
class _StridedConfig(NetworkConfig):
    """Base of the configurations of networks with one latent vector in each cell.

    Attributes:
        stride: Side of a cell in pixels. Heights and widths are padded to a multiple of it.
    """

    stride: ClassVar[int] = 1

    def __init_subclass__(cls, stride: int | None = None) -> None:
        cls.stride = cls.stride if stride is None else stride


@dataclass(frozen=True)
class EncoderConfig(_StridedConfig):
    """Base of the configuration of an encoder to a diagonal Gaussian in each cell. Give it a ``stride``."""

    def facts(self) -> EncoderFacts:
        """Returns the facts of an encoder of images of any size."""
        return EncoderFacts("gaussian", (Grid(self.latent_channels, self.stride),), self.image_channels)


@dataclass(frozen=True)
class DecoderConfig(_StridedConfig):
    """Base of the configuration of a decoder to a Bernoulli likelihood. Give it a ``stride``."""

    def facts(self) -> DecoderFacts:
        """Returns the facts of a decoder to images of any size."""
        return DecoderFacts(Grid(self.latent_channels, self.stride), "bernoulli", self.image_channels)


@dataclass(frozen=True)
class PriorConfig:
    """Base of the configuration of a prior over one latent vector in each cell.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        latent_stride: Side of a cell in pixels; None for one vector per image.
    """

    latent_channels: int
    latent_stride: int | None = None

    @property
    def grid(self) -> Grid:
        """Grid of the latents."""
        return Grid(self.latent_channels, self.latent_stride)

    def facts(self) -> PriorFacts:
        """Returns the facts of a prior that accepts any belief over one vector in each cell."""
        return PriorFacts(VECTORS, (self.grid,), self.grid)


@dataclass(frozen=True)
class LossConfig:
    """Base of the configuration of a loss. It has no parameters.

    A subclass states how the facts of its loss differ from those of one that works with every model, as keywords:
    ``class SparseLossConfig(LossConfig, needs_rate=False)``. The keywords are the fields of `LossFacts`.
    """

    stated: ClassVar[LossFacts] = LossFacts()

    def __init_subclass__(cls, **facts: Any) -> None:
        cls.stated = replace(cls.stated, **facts)

    def facts(self) -> LossFacts:
        """Returns the facts of the loss, as the class states them."""
        return self.stated


class accepts_keywords(Generic[Fields, Config]):
    """Decorator that lets a part take the fields of its configuration instead of the configuration.

    With it, ``ConvEncoder(8, widths=(32, 64))`` equals ``ConvEncoder(ConvEncoderConfig(8, widths=(32, 64)))``.

    Args:
        config: Class of the configuration.
    """

    def __init__(self, config: Callable[Fields, Config]) -> None:
        self.config = config

    @overload
    def __call__(self, build: Callable[[Config], Built], /) -> Callable[Fields, Built]: ...

    @overload
    def __call__(self, build: Callable[[Self, Config], None], /) -> Callable[Concatenate[Self, Fields], None]: ...

    def __call__(self, build: Callable[..., Any], /) -> Callable[..., Any]:
        """Wraps a part's ``__init__``, or a function that makes the part."""
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
    """Returns a module's ``__getattr__`` that keeps facts functions from before there were configurations.

    Args:
        module: Name of the module.
        **configs: Configuration that replaces each function, by the name of the function.
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
