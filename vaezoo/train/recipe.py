"""A recipe: everything that decides which weights come out, and the machine settings that do not.

Torch is not imported here. What a recipe's words mean is in `vaezoo.train.data` and `vaezoo.train.loop`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaezoo.errors import ConfigError, UnknownName, suggest


class Precision(Enum):
    """The arithmetic of the forward pass; weights and optimiser state are always fp32."""

    fp32 = "fp32"
    bf16 = "bf16"


class OptimizerKind(Enum):
    """What updates the weights; ``muon`` is for hidden kernels, and leaves the rest to AdamW."""

    adamw = "adamw"
    muon = "muon"


REDUCTIONS = ("reduce", "reduce-photo")
"""Damages that leave fewer pixels, see `vaezoo.train.damages.reductions`."""
DAMAGES = ("photo", "camera", "saved", "jpeg", "downscale", *REDUCTIONS, "lowlight", "blur", "recorrupt")
"""What a patch may have suffered, `DataRecipe.damage`."""


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
    damage: str = ""  # of patches: one of DAMAGES, see docs/train.md
    quality: list[float] = field(default_factory=lambda: [5.0, 95.0])  # range of JPEG's quality
    factors: list[int] = field(default_factory=lambda: [2, 3, 4])  # of downscale and reduce, drawn evenly
    light: list[float] = field(default_factory=lambda: [0.05, 0.5])  # range of the share of it that lowlight leaves
    electrons: list[float] = field(default_factory=lambda: [1000.0, 16000.0])  # range of what lowlight's white counts
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
    """AdamW or Muon, with a linear warm-up and a cosine down to ``final_lr``."""

    kind: OptimizerKind = OptimizerKind.adamw  # adamw or muon, which is for hidden kernels and leaves the rest to AdamW
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


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe and applies overrides.

    Args:
        name: A recipe that ships with vaezoo, such as ``denoise``, or the path of a YAML file.
        overrides: Dotted ``key=value`` pairs, such as ``optimizer.lr=3e-4``; ``data=FOLDER`` is short for
            ``data.sets=[FOLDER]``, and for ``data.valid=[]`` where that is not given: none of the recipe's pictures.
            ``data.pairs=[NOISY,CLEAN]`` likewise takes the place of the recipe's pictures, noise and damage.

    Raises:
        UnknownName: No such recipe.
        ConfigError: A key that recipes do not have, or a value that does not fit it.
    """
    path = find_recipe(name)
    try:
        content = OmegaConf.load(path)
    except Exception as error:  # YAML parsers raise many kinds
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}", value=name) from error
    if not isinstance(content, DictConfig):
        raise ConfigError(f"{path} should hold keys and values, not a list.", value=name)
    for pair in overrides:
        if not pair.partition("=")[0] or "=" not in pair:
            raise ConfigError(f"An override is key=value, not {pair!r}.", value=pair)
    config = _merge(OmegaConf.structured(Recipe), content, str(path))
    own = any(_is_folder(pair) for pair in overrides)
    pairs = ["data.valid=[]"] * own + [
        f"data.sets=[{json.dumps(pair[5:])}]" if _is_folder(pair) else pair for pair in overrides
    ]
    try:
        told = OmegaConf.from_dotlist(pairs)
    except yaml.YAMLError as error:
        raise ConfigError(f"An override is not YAML: {' '.join(str(error).split())}", value=pairs) from error
    config = _merge(_cleared(config, told), told, "the command line")
    try:
        recipe = cast(Recipe, OmegaConf.to_object(config))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path} cannot be resolved: {_first_line(error)}", value=name) from error
    _check(recipe)
    return recipe


def smoke_recipe(recipe: Recipe) -> Recipe:
    """Returns the recipe cut to a few steps, to see that everything works."""
    machine = replace(recipe.machine, log_every=5)
    return replace(recipe, steps=10, epochs=0.0, optimizer=replace(recipe.optimizer, warmup=2), machine=machine)


def find_recipe(name: str) -> Path:
    """Returns the file of a recipe: a path as it is, a name from the installed package or the repository."""
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return Path(name)
    package = Path(__file__).parents[1]
    folders = (package / "recipes", package.parent / "recipes")
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    known = [path.stem for folder in folders for path in folder.glob("*.yaml")]
    raise UnknownName(f"No recipe and no YAML file {name!r}.", hint=suggest(name, known), value=name)


LATER = {
    "optimizer.kind": "adamw",
    "grow": False,
    "shed": False,
    "only": [],
    "data.style": "",
    "data.style_colour": False,
    "data.sigma_power": 1.0,
    "data.camera": 0.0,
    "data.told": 0.0,
    "data.gray_share": 0.0,
    "data.grain": 0.0,
    "data.damage": "",
    "data.quality": [5.0, 95.0],
    "data.factors": [2, 3, 4],
    "data.light": [0.05, 0.5],
    "data.electrons": [1000.0, 16000.0],
    "data.reach": 12,
    "data.pairs": [],
    "data.valid_pairs": [],
}
"""Settings that came after the first weights. At their defaults they are no part of the hash, so it stays; a checkpoint
that knows nothing of them was made with these."""


def recipe_dict(recipe: Recipe) -> dict[str, Any]:
    """Returns a recipe as plain nested values, fit for JSON and for a checkpoint."""
    content: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(recipe), enum_to_str=True)  # type: ignore[assignment]
    return content


def recipe_hash(recipe: Recipe) -> str:
    """Returns the sha256 of everything in a recipe that decides the weights: all but ``machine``."""
    content = recipe_dict(recipe)
    del content["machine"]
    for key, default in LATER.items():
        section, _, name = key.rpartition(".")
        place = content[section] if section else content
        if place[name] == default:
            del place[name]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested keys as dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _is_folder(pair: str) -> bool:
    """Says whether an override is ``data=FOLDER``, not ``data={...}``."""
    return pair.startswith("data=") and pair[5:6] != "{"


def _cleared(config: Any, told: Any) -> Any:
    """Returns a recipe without what pairs take the place of, where the command line gives pairs."""
    data = told.get("data") or {}
    if not isinstance(data, DictConfig):
        return config  # refused when it is merged
    keys = (["valid"] if data.get("valid_pairs") else []) + (["valid_pairs", *OWN] if data.get("pairs") else [])
    default = DataRecipe()
    return OmegaConf.merge(config, {"data": {key: getattr(default, key) for key in keys}})


def _merge(base: Any, update: Any, origin: str) -> Any:
    known = flatten(recipe_dict(Recipe()))
    known |= dict.fromkeys(key.rpartition(".")[0] for key in list(known) if "." in key)
    for key in flatten(OmegaConf.to_container(update)):  # type: ignore[arg-type]
        if key not in known:
            raise ConfigError(f"Recipes have no key {key!r} ({origin}).", hint=suggest(key, known), value=key)
    try:
        return OmegaConf.merge(base, update)
    except OmegaConfBaseException as error:
        what = f"The value of {error.full_key!r}" if error.full_key else "A value"
        reason = _first_line(error).rstrip(".")
        if "is not a ListConfig" in reason:
            reason = "expected a list, such as [1,2]"
        raise ConfigError(f"{what} ({origin}) does not fit: {reason}.", value=error.full_key) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


_LEAST = {
    "steps": 0,
    "epochs": 0,
    "data.patch": 0,
    "optimizer.lr": 0,
    "optimizer.final_lr": 0,
    "optimizer.warmup": 0,
    "optimizer.weight_decay": 0,
    "optimizer.clip": 0,
    "patience": 1,
    "valid_every": 1,
    "machine.log_every": 1,
    "machine.checkpoint_minutes": 0,
}


def _check(recipe: Recipe) -> None:
    """Refuses values that have the right type and make no sense."""

    def refuse(key: str, expected: str, value: Any) -> None:
        raise ConfigError(f"{key} should be {expected}, not {value!r}.", value=value)

    if not recipe.model:
        refuse("model", "the name of a model", recipe.model)
    if (recipe.steps > 0) == (recipe.epochs > 0):
        refuse("steps or epochs", "one of the two, above zero", (recipe.steps, recipe.epochs))
    if not (recipe.data.sets or recipe.data.pairs):
        refuse("data.sets", "the names of data sets or paths of pictures, such as data=FOLDER", recipe.data.sets)
    if recipe.batch < 1 or recipe.accumulate < 1 or recipe.batch % recipe.accumulate:
        refuse("batch", "a positive multiple of accumulate", (recipe.batch, recipe.accumulate))
    for key, pair, low, high in (
        ("data.sigma", recipe.data.sigma, 0.0, 255.0),
        ("data.scale", recipe.data.scale, 0.05, 1.0),
        ("data.quality", recipe.data.quality, 1.0, 100.0),
        ("data.light", recipe.data.light, 0.001, 1.0),
        ("data.electrons", recipe.data.electrons, 1.0, 1e6),
        ("optimizer.betas", recipe.optimizer.betas, 0.0, 0.99999),
    ):
        if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high:
            refuse(key, f"two ascending numbers within {low:g} and {high:g}", pair)
    if recipe.data.style not in ("", "class", "code", "reference"):
        refuse("data.style", "class, code, reference or nothing", recipe.data.style)
    if recipe.data.style and (recipe.data.patch or recipe.data.binarise or recipe.data.sigma[1]):
        refuse("data.style", "without patch, binarise and sigma", recipe.data.style)
    _check_pairs(recipe.data, refuse)
    _check_damage(recipe.data, refuse)
    values = flatten(recipe_dict(recipe))
    for key, least in _LEAST.items():
        if not least <= values[key] < float("inf"):
            refuse(key, f"a number of at least {least:g}", values[key])
    if not 0.0 <= recipe.ema < 1.0:
        refuse("ema", "at least 0 and below 1", recipe.ema)


OWN = {
    "sets": "Set data.sets=[].",
    "valid": "Set data.valid=[], and data.valid_pairs=[NOISY,CLEAN] for the validation loss.",
    "damage": "Set data.damage=''.",
    "sigma": "Set data.sigma=[0,0].",
    "camera": "Set data.camera=0.",
    "grain": "Set data.grain=0.",
}
"""What pairs have of their own, `DataRecipe.pairs`, and what to do where a recipe says it too."""


def _check_pairs(data: DataRecipe, refuse: Callable[[str, str, Any], None]) -> None:
    for key, paths in (("data.pairs", data.pairs), ("data.valid_pairs", data.valid_pairs)):
        if paths and len(paths) != 2:
            refuse(key, "two folders or zips of pictures with the same names, [NOISY,CLEAN]", paths)
        if paths and not data.patch:
            refuse(key, "used with a patch, such as data.patch=128", paths)
    default = DataRecipe()
    for name, hint in OWN.items():
        if data.pairs and (value := getattr(data, name)) != getattr(default, name):
            message = f"data.pairs takes the place of data.{name}, but that is {value!r}."
            raise ConfigError(message, hint=hint, value=value)
    if data.valid and data.valid_pairs:
        message = f"data.valid_pairs takes the place of data.valid, but that is {data.valid!r}."
        raise ConfigError(message, hint="Set data.valid=[].", value=data.valid)
    if data.valid_pairs and data.damage in REDUCTIONS:
        refuse(
            "data.valid_pairs", f"used without the damage {data.damage!r}, whose pictures are smaller", data.valid_pairs
        )


def _check_damage(data: DataRecipe, refuse: Callable[[str, str, Any], None]) -> None:
    for name in ("told", "gray_share", "camera", "grain"):
        if not 0.0 <= (share := getattr(data, name)) <= 1.0:
            refuse(f"data.{name}", "between 0 and 1", share)
    if data.grain and not data.patch:
        refuse("data.grain", "above 0 only with a patch", data.grain)
    if data.damage not in ("", *DAMAGES):
        refuse("data.damage", f"{', '.join(DAMAGES)} or nothing", data.damage)
    if data.damage and not data.patch:
        refuse("data.damage", "used with a patch", data.damage)
    if data.damage in ("photo", "camera", "jpeg", "downscale", *REDUCTIONS, "lowlight") and data.sigma[1]:
        refuse("data.damage", "used without sigma", data.damage)
    if data.reach < 4:
        refuse("data.reach", "at least 4 pixels", data.reach)
    if data.damage == "recorrupt" and data.sigma[0] != data.sigma[1]:
        refuse("data.sigma", "one level twice, that of the noisy pictures, or 0 to estimate it", data.sigma)
    if not data.factors or not {2, 3, 4} >= set(data.factors):
        refuse("data.factors", "some of 2, 3 and 4", data.factors)
    photos = data.damage in ("photo", "camera", "saved") or data.pairs
    for key, share in (("data.told", 0 if photos else data.told), ("data.camera", data.camera)):
        if share and not (data.patch and data.sigma[1] and data.damage in ("", "blur")):
            refuse(key, "above 0 only with a patch and sigma", share)
    if not 0 < data.sigma_power < float("inf"):
        refuse("data.sigma_power", "a number above 0", data.sigma_power)
