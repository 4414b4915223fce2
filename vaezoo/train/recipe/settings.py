"""The settings of a recipe as dataclasses. The comment on a field describes it, also in docs/train.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Precision(Enum):
    """The precision of the forward pass. Weights and optimiser state are always fp32."""

    fp32 = "fp32"
    bf16 = "bf16"


class OptimizerKind(str, Enum):
    """Names of vaezoo's own optimizers. `OptimizerRecipe.kind` accepts any declared one."""

    adamw = "adamw"
    muon = "muon"

    __str__ = str.__str__


CHOICES = {"data.damage": "damage", "optimizer.kind": "optimizer", "optimizer.schedule": "schedule"}
"""Settings that choose something of a kind: by name, or by a mapping with ``name`` and its own settings."""


@dataclass
class DataRecipe:
    """Data of a training: whole images, or random patches with sides of ``patch`` pixels."""

    sets: list[str] = field(default_factory=list)  # names of data sets, or paths of folders and zips of images
    valid: list[str] = field(default_factory=list)  # data sets of the validation loss, in the same form
    pairs: list[str] = field(default_factory=list)  # two folders or zips, noisy and clean, instead of sets and damage
    valid_pairs: list[str] = field(default_factory=list)  # pairs for the validation loss, in the same form
    patch: int = 0  # side of random patches in pixels; 0 for whole images, which must have one size
    gray: bool = False  # whether to use luma instead of RGB
    sigma: list[float] = field(default_factory=lambda: [0.0, 0.0])  # range of the noise's sd, in 8-bit levels
    sigma_power: float = 1.0  # noise is low + (high - low) * u ** power; above 1, low levels are more frequent
    camera: float = 0.0  # share of patches with noise that grows with the light, clipped and rounded to 8 bits
    told: float = 0.0  # share of patches whose noise level the model is told, as cond["sigma"]
    gray_share: float = 0.0  # share of colour patches that become gray: equal channels, with equal noise
    grain: float = 0.0  # share of patches with film grain, as scans have, which is not to be removed
    damage: Any = ""  # damage of patches: a name, such as jpeg, or {name: NAME, SETTING: VALUE}; see docs/train.md
    quality: list[float] = field(default_factory=lambda: [5.0, 95.0])  # range of JPEG qualities
    factors: list[int] = field(default_factory=lambda: [2, 3, 4])  # factors of downscale and reduce, equally likely
    light: list[float] = field(default_factory=lambda: [0.05, 0.5])  # range of the share of light left by low light
    electrons: list[float] = field(default_factory=lambda: [1000.0, 16000.0])  # range of electrons of white, low light
    reach: int = 12  # largest distance of a blur kernel's pixels from its centre
    augment: bool = False  # whether to flip patches and rotate them by quarter turns
    shuffle_channels: bool = False  # whether to shuffle the channels of each patch
    scale: list[float] = field(default_factory=lambda: [1.0, 1.0])  # range of a patch's scale; below 1 is smaller
    labels: bool = False  # whether the model is told the class, as cond["label"]
    binarise: bool = False  # whether pixels are drawn anew from their grey level at every visit
    style: str = ""  # class, code or reference: whole grey images in random styles, told as cond["style_class"] etc.
    style_colour: bool = False  # whether styled images have three channels


@dataclass
class OptimizerRecipe:
    """Optimizer and its learning rate."""

    kind: Any = "adamw"  # adamw, or muon for hidden kernels with AdamW for the rest; a name, or with its settings
    schedule: Any = field(default="cosine", kw_only=True)  # of the learning rate: cosine warms up, falls to final_lr
    lr: float = 1e-3  # learning rate at the end of the warm-up
    final_lr: float = 1e-6  # learning rate at the last step
    warmup: int = 200  # steps of the warm-up
    betas: list[float] = field(default_factory=lambda: [0.9, 0.99])  # betas of AdamW
    weight_decay: float = 0.0  # weight decay of matrices and kernels; vectors and scalars have none
    clip: float = 0.0  # largest norm of a phase's gradient; 0 for no limit


@dataclass
class MachineRecipe:
    """Settings of the machine. They may change while a run goes on, and are not part of the hash."""

    device: str = "auto"  # device, such as cpu or cuda; auto is a GPU if there is one
    threads: int = 1  # threads on a CPU; two on a busy two-core machine were 5-9 times slower than one
    channels_last: bool = False  # memory format of images and kernels that is faster for convolutions
    compile: bool = False  # whether to use torch.compile
    deterministic: bool = False  # whether to allow only kernels that always give the same bits
    log_every: int = 100  # steps between two lines of the log
    tensorboard: bool = False  # whether to write TensorBoard events too; needs vaezoo[tensorboard]
    checkpoint_minutes: float = 10.0  # minutes between two checkpoints


@dataclass
class Recipe:
    """Settings of a training."""

    model: str = ""  # name of the model, as in vaezoo list
    overrides: list[str] = field(default_factory=list)  # overrides of the model's configuration, as key=value
    data: DataRecipe = field(default_factory=DataRecipe)
    steps: int = 0  # steps of the optimizer; give either steps or epochs
    epochs: float = 0.0  # passes over the data
    batch: int = 128  # size of a batch, over all processes and accumulated pieces
    accumulate: int = 1  # pieces that a batch is split into, to save memory
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    ema: float = 0.999  # decay of the averaged weights, which a run gives; 0 gives the last ones
    seed: int = 0  # random seed of initial weights, batches and noise
    precision: Precision = Precision.fp32  # precision of the forward pass, fp32 or bf16; weights stay fp32
    warm_start: str = ""  # weights of the same model to start from: a safetensors file, or a name such as denoise.open
    grow: bool = False  # whether modules that the file lacks start as identities, such as further residual blocks
    shed: bool = False  # whether to leave out tensors of the file that the model lacks, such as a residual block's
    only: list[str] = field(default_factory=list)  # beginnings of the names of the parameters to train; none for all
    patience: int = 20  # number of bad steps in a row before the run gives up
    valid_every: int = 2000  # steps between two validation losses
    machine: MachineRecipe = field(default_factory=MachineRecipe)
