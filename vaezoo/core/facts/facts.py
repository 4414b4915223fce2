"""Facts of each kind of part, without torch.

A part's facts depend on its configuration alone. The contract kit builds the part and checks that they are true.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class Grid:
    """Channels and scale of a tensor: (B, channels, H/stride, W/stride), or (B, channels) where stride is None.

    Raises:
        ConfigError: ``channels`` or ``stride`` is below 1.
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
        belief: Kind of belief: ``gaussian``, ``density`` (another posterior that gives log q of its samples), ``dirac``
            (one that does not), ``pyramid``, or the fact of another kind (:class:`vaezoo.core.beliefs.BeliefKind`).
        grids: Grids of the belief, coarse to fine. A posterior has one.
        image_channels: Number of image channels C.
        size: The only (H, W) that it takes, or None for any size.
        vector: Dimensions of the context's vector that it reads; 0 if it reads none.
        needs_image: Whether it reads the context's image.
        enlarges: Factors by which images may be larger than y. Empty: images are as large as y.
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
        takes: Kinds of belief that it can infer from.
        evidence: Grids that it expects of the belief.
        state: Grid of the state that it gives to the decoder.
        features: Grids that it expects of the context's features.
        rates_points: Whether it gives a rate for a ``dirac`` belief too, as a codebook does.
        asks_encoder: Whether it passes images of its own through the encoder.
        vector: Dimensions of the context's vector that it reads; 0 if it reads none.
        detail: Whether its samples contain detail that its mean path lacks; see :class:`vaezoo.core.LadderPrior`.
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
        state: Grid of the state that it expects.
        likelihood: Name in :data:`vaezoo.core.likelihood.names.KINDS`, or ``package.module:Class`` of a plugin's.
        image_channels: Number of image channels C.
        size: The only (H, W) that it gives, or None for any size.
        vector: Dimensions of the context's vector that it reads; 0 if it reads none.
        needs_image: Whether it reads the context's image.
        enlarges: Factors by which images may be larger than y. Empty: images are as large as y.
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
    """Facts of a conditioner: what its context holds, and by which factors a target may be larger than y."""

    image_channels: int | None = None
    gives_image: bool = False
    features: tuple[Grid, ...] = ()
    vector: int = 0
    enlarges: tuple[int, ...] = ()


@dataclass(frozen=True)
class LossFacts:
    """Facts of a loss.

    Attributes:
        likelihoods: Likelihoods that it can use. Empty means all.
        needs_rate: Whether it needs a posterior with a density.
        conditional: Whether the model must encode the target, given the input.
        beliefs: Kinds of belief that it can use, with any options. Empty means all.
        needs_detail: Whether the prior must have a detail branch.
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
    """Facts of a refinement of the posterior. To a loss, the refined belief is a ``density``.

    Attributes:
        takes: Kinds of belief that it can start from.
        vectors: Whether it supports only vectors, not grids of cells.
    """

    takes: frozenset[str]
    vectors: bool = False


@dataclass(frozen=True)
class ModelFacts:
    """Facts and names of all parts of a model."""

    encoder: EncoderFacts | None
    prior: PriorFacts
    decoder: DecoderFacts
    loss: LossFacts | None = None
    conditioner: ConditionerFacts | None = None
    encodes: str = "input"
    refine: RefineFacts | None = None
    names: dict[str, str] = field(default_factory=dict)
