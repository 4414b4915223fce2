"""The settings of a recipe as dataclasses: a field's comment says what it is, and becomes its row in docs/train.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Precision(Enum):
    """The arithmetic of the forward pass; weights and optimiser state are always fp32."""

    fp32 = "fp32"
    bf16 = "bf16"


class OptimizerKind(str, Enum):
    """The names of vaezoo's own optimizers; `OptimizerRecipe.kind` takes any that is declared."""

    adamw = "adamw"
    muon = "muon"

    __str__ = str.__str__


@dataclass
class DataRecipe:
    """What the model sees. Whole images, or random patches of ``patch`` pixels a side."""

    sets: list[str] = field(default_factory=list)  # names of known sets, or paths of folders and zips of pictures
    valid: list[str] = field(default_factory=list)  # the same, for the validation loss
    pairs: list[str] = field(default_factory=list)  # instead of sets and damage: noisy and clean, two folders or zips
    valid_pairs: list[str] = field(default_factory=list)  # the same, for the validation loss
    patch: int = 0  # side of random patches in pixels; 0: whole images, which then must be of one size
    gray: bool = False  # pictures as luma instead of RGB
    sigma: list[float] = field(default_factory=lambda: [0.0, 0.0])  # range of the noise's sd, in 8-bit levels
    sigma_power: float = 1.0  # the noise of a patch is low + (high - low) * u ** power: above 1, low levels more often
    camera: float = 0.0  # share of patches with noise that grows with the light, clipped and rounded to 8 bits
    told: float = 0.0  # share of patches whose noise level the model is told, as cond["sigma"]
    gray_share: float = 0.0  # share of colour patches that turn gray: equal channels, and equal noise in them
    grain: float = 0.0  # share of patches that have a film's grain themselves, as scans do: nothing to be removed
    damage: str = ""  # of patches, by name, such as jpeg; see docs/train.md
    quality: list[float] = field(default_factory=lambda: [5.0, 95.0])  # range of JPEG's quality
    factors: list[int] = field(default_factory=lambda: [2, 3, 4])  # of downscale and reduce, drawn evenly
    light: list[float] = field(default_factory=lambda: [0.05, 0.5])  # range of the share of it that low light leaves
    electrons: list[float] = field(default_factory=lambda: [1000.0, 16000.0])  # range of what white counts in low light
    reach: int = 12  # the furthest that blur moves light from a kernel's centre, in pixels
    augment: bool = False  # flips and quarter turns of patches
    shuffle_channels: bool = False  # of each patch, at random
    scale: list[float] = field(default_factory=lambda: [1.0, 1.0])  # range of a patch's downscaling
    labels: bool = False  # the model sees the class, as cond["label"]
    binarise: bool = False  # dynamic: pixels are drawn anew from their grey level at every visit
    style: str = ""  # class, code or reference: whole grey images in drawn styles, told as cond["style_class"] etc.
    style_colour: bool = False  # styled images have three channels


@dataclass
class OptimizerRecipe:
    """What updates the weights, and by how much at which step."""

    kind: str = "adamw"  # by name: adamw, or muon, which is for hidden kernels and leaves the rest to AdamW
    schedule: str = "cosine"  # of the learning rate, by name: cosine has a linear warm-up, and goes down to final_lr
    lr: float = 1e-3  # at the end of the warm-up
    final_lr: float = 1e-6  # at the last step
    warmup: int = 200  # steps
    betas: list[float] = field(default_factory=lambda: [0.9, 0.99])  # of AdamW
    weight_decay: float = 0.0  # of matrices and kernels; vectors and scalars never decay
    clip: float = 0.0  # largest norm of a phase's gradient; 0: never clipped


@dataclass
class MachineRecipe:
    """Settings that may change from one piece of a run to the next; they are no part of the hash."""

    device: str = "auto"  # cpu, cuda and so on; auto: a GPU where there is one
    threads: int = 1  # on a CPU; two on a busy two-core machine were 5-9 times slower than one
    channels_last: bool = False  # memory format of images and kernels, quicker for convolutions
    compile: bool = False  # by torch.compile
    deterministic: bool = False  # only kernels that give the same bits every time, or an error
    log_every: int = 100  # steps
    tensorboard: bool = False  # the log once more, as TensorBoard's events; needs vaezoo[tensorboard]
    checkpoint_minutes: float = 10.0  # between two checkpoints


@dataclass
class Recipe:
    """How one model is trained."""

    model: str = ""  # its name, as in vaezoo list
    overrides: list[str] = field(default_factory=list)  # of the model's configuration, as key=value
    data: DataRecipe = field(default_factory=DataRecipe)
    steps: int = 0  # of the optimiser; either steps or epochs
    epochs: float = 0.0  # passes over the data
    batch: int = 128  # of one optimiser step, over all processes and accumulated pieces
    accumulate: int = 1  # pieces of a batch, one after the other, where memory is short
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    ema: float = 0.999  # decay of the averaged weights, which are what a run gives; 0: the last ones
    seed: int = 0  # of first weights, batches and noise
    precision: Precision = Precision.fp32  # fp32 or bf16: of the forward pass; weights and optimiser stay fp32
    warm_start: str = ""  # weights of the same model: a safetensors file, or a name such as denoise.open
    grow: bool = False  # modules that the file lacks start as identities, such as further residual blocks
    shed: bool = False  # tensors of the file that the model lacks are left out, such as a residual block's
    only: list[str] = field(default_factory=list)  # what trains, as beginnings of parameters' names; none: all of it
    patience: int = 20  # bad steps in a row before giving up
    valid_every: int = 2000  # steps between validation losses
    machine: MachineRecipe = field(default_factory=MachineRecipe)
