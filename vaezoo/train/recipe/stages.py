"""The stages of a recipe: runs in a row, each of which starts from the weights of the one before.

A file without ``stages`` is one run. A file with stages has shared settings, and the changes of each stage by name::

    model: denoise
    after: denoise-base/last  # if a stage of another recipe comes before the first of these
    data: {sets: [cid22], patch: 96}
    stages:
      first: {steps: 14000}
      finetune: {steps: 4000, data: {patch: 160}}

The settings of a stage, and so its hash, include the name of what it starts from, which no folder changes; see
`_File.weights_of`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from omegaconf import DictConfig, OmegaConf

from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.registry.declared import NAME
from vaezoo.train.recipe.find import find_recipe
from vaezoo.train.recipe.load import read_recipe, resolve
from vaezoo.train.recipe.settings import Recipe

STAGES, AFTER = "stages", "after"
"""Keys of a file for its stages, and for what comes before them."""
_NAME = re.compile(NAME)


@final
@dataclass(frozen=True)
class Stage:
    """One of the runs that lead to a recipe's weights.

    Attributes:
        place: Subfolder of the recipe's folder: the name of the stage, or ``RECIPE/STAGE`` for a stage of another
            recipe. Empty if the recipe is one run.
        settings: Settings of the run.
        follows: Whether it starts from the weights of the stage before.
    """

    place: str
    settings: Recipe
    follows: bool


def load_recipe(name: str, overrides: Sequence[str] = (), stage: str = "") -> Recipe:
    """Reads the settings of one run and applies overrides.

    Args:
        name: Name of a recipe that ships with vaezoo or that a plugin declares, such as ``denoise``, or path of a YAML
            file.
        overrides: Dotted ``key=value`` pairs, such as ``optimizer.lr=3e-4``. ``data=FOLDER`` is short for
            ``data.sets=[FOLDER]``, and for ``data.valid=[]`` if that is not given, so that none of the recipe's images
            is used. ``data.pairs=[NOISY,CLEAN]`` likewise replaces the recipe's images, noise and damage.
        stage: Name of the stage. Empty means the first of the recipe.

    Raises:
        UnknownName: The recipe or the stage is unknown.
        ConfigError: A key is unknown, or a value does not fit its key.
    """
    file = _File.read(name)
    return file.settings(file.index_of(stage) if stage else 0, overrides)


def load_stages(name: str, overrides: Sequence[str] = (), stage: str = "") -> list[Stage]:
    """Reads all runs that lead to a recipe's weights, in order: first those of other recipes, then its own.

    Args:
        name: Recipe, as for `load_recipe`.
        overrides: Overrides for every stage, as for `load_recipe`. With ``warm_start``, the recipe's own first stage
            starts from these weights, and stages of other recipes are left out.
        stage: Name of the last stage to read. Empty means the recipe's last.

    Raises:
        UnknownName: The recipe or the stage is unknown.
        ConfigError: A key is unknown, a value does not fit its key, or recipes come before each other.
    """
    started = [pair for pair in overrides if pair.partition("=")[0] == "warm_start"]
    others = [pair for pair in overrides if pair not in started]
    file = _File.read(name)
    last = file.index_of(stage) if stage else len(file.stages) - 1
    found = [] if started else _before(file, others, (name,))
    for index in range(last + 1):
        settings = file.settings(index, others if index else overrides)
        found.append(Stage(file.stages[index][0], settings, follows=bool(found)))
    return found


def load_stage(name: str, stage: str, overrides: Sequence[str] = ()) -> tuple[Stage, Stage | None]:
    """Reads one stage, and the one before it.

    Args:
        name: Recipe, as for `load_recipe`.
        stage: Name of the stage, or ``RECIPE/STAGE`` for one of another recipe that comes before this one's.
        overrides: Overrides for this stage, as for `load_recipe`.

    Returns:
        The stage, and the one whose weights it starts from. The latter is None if its settings name other weights, or
            none.

    Raises:
        UnknownName: The recipe is unknown, or no stage on the way to its weights has the name.
        ConfigError: As for `load_stages`.
    """
    given = any(pair.partition("=")[0] == "warm_start" for pair in overrides)
    others = [pair for pair in overrides if pair.partition("=")[0] != "warm_start"]
    stages = load_stages(name, others)
    places = [found.place for found in stages if found.place]
    if stage not in places:
        raise UnknownName(f"The recipe {name!r} has no stage {stage!r}.", hint=suggest(stage, places), value=stage)
    index = next(number for number, found in enumerate(stages) if found.place == stage)
    if not given:
        return stages[index], stages[index - 1] if stages[index].follows else None
    recipe, _, own = stage.rpartition("/")
    return Stage(stage, load_recipe(recipe or name, overrides, own), follows=False), None


@final
@dataclass(frozen=True)
class _File:
    """A recipe's file, parsed.

    Attributes:
        path: Path of the file.
        shared: Settings above the stages.
        stages: Name and changes of each stage. A recipe that is one run has one stage without a name.
        after: Recipe, or ``RECIPE/STAGE``, that comes before; empty if there is none.
    """

    path: Path
    shared: Any
    stages: list[tuple[str, Any]]
    after: str

    @classmethod
    def read(cls, name: str) -> _File:
        path = find_recipe(name)
        content = read_recipe(path)
        stages, after = content.pop(STAGES, None), content.pop(AFTER, None)
        listed: list[tuple[str, Any]] = [("", {})]
        if stages is not None:
            if not isinstance(stages, DictConfig) or not stages:
                raise ConfigError(f"{path}: stages should be a mapping of names to settings.", value=str(stages))
            listed = [(str(key), value) for key, value in stages.items()]
        for stage, changes in listed:
            _check_stage(path, stage, changes, starts=stage == listed[0][0] and not after)
        if after is not None and (not isinstance(after, str) or "warm_start" in content):
            message = f"{path}: after should be a recipe, or RECIPE/STAGE, in a file without warm_start, not {after!r}."
            raise ConfigError(message, value=after)
        return cls(path, content, listed, after or "")

    def index_of(self, stage: str) -> int:
        names = [name for name, _ in self.stages]
        if not stage or stage not in names:
            hint = suggest(stage, filter(None, names)) if any(names) else "It has no stages."
            raise UnknownName(f"The recipe {self.path.stem!r} has no stage {stage!r}.", hint=hint, value=stage)
        return names.index(stage)

    def settings(self, index: int, overrides: Sequence[str]) -> Recipe:
        name, changes = self.stages[index]
        start = self.before(index)
        layers = [(str(self.path), self.shared)]
        layers += [(f"{self.path}, stage {name}", OmegaConf.create(changes or {}))] if name else []
        layers += [("the stage before", OmegaConf.create({"warm_start": start}))] if start else []
        return resolve(layers, overrides, self.path)

    def before(self, index: int) -> str:
        """Returns the name of the weights that a stage starts from, if it starts from another stage."""
        if index:
            return self.weights_of(index - 1)
        if not self.after:
            return ""
        file, last = _earlier(self.after)
        return file.weights_of(last)

    def weights_of(self, index: int) -> str:
        """Returns the name of a stage's weights.

        Settings and hashes contain it. It is a name and not a path: the run decides where the weights are. It equals
        the path from the time when every stage was a recipe of its own, so that the hashes of older weights remain
        valid. The first stage has the recipe's name alone.
        """
        words = [self.path.stem] + ([self.stages[index][0]] if index else [])
        return f"runs/{'-'.join(words)}/ema.safetensors"


def _check_stage(path: Path, name: str, changes: Any, *, starts: bool) -> None:
    if name and not _NAME.fullmatch(name):
        message = f"{path}: a stage's name should be lower case words joined by hyphens, not {name!r}."
        raise ConfigError(message, value=name)
    if not (changes is None or isinstance(changes, Mapping | DictConfig)):
        raise ConfigError(f"{path}: the stage {name!r} should hold keys and values, not {changes!r}.", value=name)
    if not starts and changes and "warm_start" in changes:
        message = f"{path}: the stage {name!r} starts from the one before it, but names warm_start."
        raise ConfigError(message, hint="Name it in the first stage, or make another recipe.", value=name)


def _earlier(after: str) -> tuple[_File, int]:
    """Returns the file that comes before another, and the index of the last stage to use of it."""
    recipe, slash, stage = after.rpartition("/")
    file = _File.read(recipe if slash else stage)
    return file, file.index_of(stage) if slash else len(file.stages) - 1


def _before(file: _File, overrides: Sequence[str], seen: tuple[str, ...]) -> list[Stage]:
    """Returns the stages of other recipes that come before a recipe's own."""
    if not file.after:
        return []
    earlier, last = _earlier(file.after)
    recipe, slash, stage = file.after.rpartition("/")
    name = recipe if slash else stage
    if name in seen:
        chain = " after ".join((*seen, name))
        raise ConfigError(f"{file.path}: recipes come before each other: {chain}.", value=name)
    found = _before(earlier, overrides, (*seen, name))
    for index in range(last + 1):
        place = "/".join(filter(None, (name, earlier.stages[index][0])))
        found.append(Stage(place, earlier.settings(index, overrides), follows=bool(found)))
    return found
