"""What each part says of itself without torch.

A part's facts are a pure function of its configuration. The contract kit builds the part and checks that its
facts are true.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class Grid:
    """A tensor's channels and scale: (B, channels, H/stride, W/stride), or (B, channels) where stride is None.

    Raises:
        ConfigError: The channels or the stride are below 1.
    """

    channels: int
    stride: int | None = None

    def __post_init__(self) -> None:
        if self.channels < 1 or (self.stride is not None and self.stride < 1):
            raise ConfigError(f"Expected at least one channel and a stride of at least 1, got {self}.", value=self)

    def __str__(self) -> str:
        return f"{self.channels} channels " + ("as a vector" if self.stride is None else f"at stride {self.stride}")


@dataclass(frozen=True)
class EncoderFacts:
    """Facts of an encoder.

    Attributes:
        belief: ``gaussian``, ``density`` (another posterior that gives log q of its draws), ``dirac`` (one that
            gives none), ``pyramid``, or the word of another kind (:class:`vaezoo.core.beliefs.BeliefKind`).
        grids: Of the belief, coarse to fine; one for a posterior.
        image_channels: C.
        size: The one (H, W) it takes, or None.
        vector: Dimensions of the context's vector it reads, 0 for none.
        needs_image: Whether it reads the context's image.
        enlarges: How many times as large as y the images may be that it takes; empty: as large.
    """

    belief: str
    grids: tuple[Grid, ...]
    image_channels: int
    size: tuple[int, int] | None = None
    vector: int = 0
    needs_image: bool = False
    enlarges: tuple[int, ...] = ()


@dataclass(frozen=True)
class PriorFacts:
    """Facts of a prior.

    Attributes:
        takes: Kinds of belief it infers from.
        evidence: Grids it expects of the belief.
        state: Grid it gives the decoder.
        features: Grids it expects of the context's features.
        rates_points: Whether it states a rate for a dirac belief too, as a codebook does.
        asks_encoder: Whether it shows the encoder pictures of its own.
        vector: Dimensions of the context's vector it reads, 0 for none.
        detail: Whether its samples gain what its mean path has not; see :class:`vaezoo.core.LadderPrior`.
    """

    takes: frozenset[str]
    evidence: tuple[Grid, ...]
    state: Grid
    features: tuple[Grid, ...] = ()
    rates_points: bool = False
    asks_encoder: bool = False
    vector: int = 0
    detail: bool = False


@dataclass(frozen=True)
class DecoderFacts:
    """Facts of a decoder.

    Attributes:
        state: Grid it expects.
        likelihood: One of :data:`vaezoo.core.likelihood.names.KINDS`, or ``package.module:Class`` of a plugin's.
        image_channels: C.
        size: The one (H, W) it gives, or None.
        vector: Dimensions of the context's vector it reads, 0 for none.
        needs_image: Whether it reads the context's image.
        enlarges: How many times as large as y the images may be that it gives; empty: as large.
    """

    state: Grid
    likelihood: str
    image_channels: int
    size: tuple[int, int] | None = None
    vector: int = 0
    needs_image: bool = False
    enlarges: tuple[int, ...] = ()


@dataclass(frozen=True)
class ConditionerFacts:
    """Facts of a conditioner: what its context holds, and how many times as large as y a target may be."""

    image_channels: int | None = None
    gives_image: bool = False
    features: tuple[Grid, ...] = ()
    vector: int = 0
    enlarges: tuple[int, ...] = ()


@dataclass(frozen=True)
class LossFacts:
    """Facts of a loss.

    Attributes:
        likelihoods: Those it can use, empty for all.
        needs_rate: Whether it needs a posterior with a density.
        conditional: Whether the model must encode the target, given the input.
        beliefs: Those it can use, whatever their options; empty for all.
        needs_detail: Whether the prior must have a branch of detail.
        needs_density: Whether the likelihood must be a density of x.
    """

    likelihoods: frozenset[str] = field(default_factory=frozenset)
    needs_rate: bool = True
    conditional: bool = False
    beliefs: frozenset[str] = field(default_factory=frozenset)
    needs_detail: bool = False
    needs_density: bool = False


@dataclass(frozen=True)
class RefineFacts:
    """Facts of a refinement of the posterior; a loss sees a ``density`` belief behind it.

    Attributes:
        takes: Kinds of belief it can begin at.
        vectors: Whether it moves vectors only, not grids of cells.
    """

    takes: frozenset[str]
    vectors: bool = False


@dataclass(frozen=True)
class ModelFacts:
    """The facts of all parts of a model, and their names for messages."""

    encoder: EncoderFacts | None
    prior: PriorFacts
    decoder: DecoderFacts
    loss: LossFacts | None = None
    conditioner: ConditionerFacts | None = None
    encodes: str = "input"
    refine: RefineFacts | None = None
    names: dict[str, str] = field(default_factory=dict)
