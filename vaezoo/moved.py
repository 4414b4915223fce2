"""Modules and names that moved: the old ones keep working, and warn with their successors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES = {
    "vaezoo.core.arithmetic": "vaezoo.core.machine.arithmetic",
    "vaezoo.core.ascent": "vaezoo.core.priors.ascent",
    "vaezoo.core.axes": "vaezoo.core.priors.axes",
    "vaezoo.core.backends": "vaezoo.core.machine.backends",
    "vaezoo.core.builtin": "vaezoo.core.facts.builtin",
    "vaezoo.core.covariance": "vaezoo.core.beliefs.covariance",
    "vaezoo.core.device": "vaezoo.core.machine.device",
    "vaezoo.core.em": "vaezoo.core.priors.em",
    "vaezoo.core.kinds": "vaezoo.core.likelihood.names",
    "vaezoo.core.ladder": "vaezoo.core.priors.ladder",
    "vaezoo.core.light": "vaezoo.image.damage.light",
    "vaezoo.core.limits": "vaezoo.core.facts.checks",
    "vaezoo.core.loss": "vaezoo.core.losses.loss vaezoo.core.losses.elbo",
    "vaezoo.core.mixture": "vaezoo.core.priors.densities",
    "vaezoo.core.objective": "vaezoo.core.losses.objective",
    "vaezoo.core.posterior": "vaezoo.core.beliefs.posterior",
    "vaezoo.core.prior": "vaezoo.core.priors.prior vaezoo.core.priors.normal vaezoo.core.priors.mixture",
    "vaezoo.core.restoration": "vaezoo.core.losses.restoration",
    "vaezoo.image.camera": "vaezoo.image.damage.camera",
    "vaezoo.image.convert": "vaezoo.image.file.convert",
    "vaezoo.image.dct": "vaezoo.image.compression.dct",
    "vaezoo.image.degradations": "vaezoo.image.damage.degradations",
    "vaezoo.image.files": "vaezoo.image.file.files",
    "vaezoo.image.folders": "vaezoo.image.file.folders",
    "vaezoo.image.intervals": "vaezoo.image.compression.intervals",
    "vaezoo.image.kernels": "vaezoo.image.damage.kernels",
    "vaezoo.image.noise": "vaezoo.image.damage.noise",
    "vaezoo.image.picture": "vaezoo.image.file.picture",
    "vaezoo.image.png": "vaezoo.image.file.png",
    "vaezoo.image.quantisation": "vaezoo.image.compression.quantisation",
    "vaezoo.image.tiff": "vaezoo.image.file.tiff",
    "vaezoo.zoo.acting": "vaezoo.host.asking",
    "vaezoo.zoo.admit": "vaezoo.host.admit",
    "vaezoo.zoo.calibration": "vaezoo.registry.calibration",
    "vaezoo.zoo.cards": "vaezoo.registry.cards",
    "vaezoo.zoo.connection": "vaezoo.store.connection",
    "vaezoo.zoo.cost": "vaezoo.inspection.cost",
    "vaezoo.zoo.declared": "vaezoo.registry.declared",
    "vaezoo.zoo.download": "vaezoo.store.download",
    "vaezoo.zoo.equivalent": "vaezoo.inspection.equivalent",
    "vaezoo.zoo.explanation": "vaezoo.inspection.explanation",
    "vaezoo.zoo.find": "vaezoo.host.find",
    "vaezoo.zoo.fitting": "vaezoo.train.fitting",
    "vaezoo.zoo.guard": "vaezoo.host.guard",
    "vaezoo.zoo.hookspecs": "vaezoo.host.hookspecs",
    "vaezoo.zoo.keeper": "vaezoo.host.manager",
    "vaezoo.zoo.opened": "vaezoo.publish.loading",
    "vaezoo.zoo.page": "vaezoo.publish.page",
    "vaezoo.zoo.partial": "vaezoo.store.partial vaezoo.files.atomic",
    "vaezoo.zoo.progress": "vaezoo.store.progress",
    "vaezoo.zoo.publish": "vaezoo.publish.publish",
    "vaezoo.zoo.register": "vaezoo.host.register",
    "vaezoo.zoo.registry": "vaezoo.registry.registry",
    "vaezoo.zoo.saving": "vaezoo.publish.saving",
    "vaezoo.zoo.schema": "vaezoo.files.schema",
    "vaezoo.zoo.settings": "vaezoo.host.settings",
    "vaezoo.zoo.shelf": "vaezoo.registry.entries",
    "vaezoo.zoo.sources": "vaezoo.store.schemes vaezoo.host.asking",
    "vaezoo.zoo.store": "vaezoo.store.store",
    "vaezoo.zoo.template": "vaezoo.host.template",
    "vaezoo.zoo.whereabouts": "vaezoo.inspection.origins",
    "vaezoo.zoo.whole": "vaezoo.files.atomic",
    "vaezoo.zoo.yaml": "vaezoo.files.yaml",
    "vaezoo.image.factors": "vaezoo.data.factors",
    "vaezoo.train.blurs": "vaezoo.train.damages.blurs",
    "vaezoo.train.crops": "vaezoo.train.damages.crops",
    "vaezoo.train.damage": "vaezoo.train.damages.patches",
    "vaezoo.train.pairs": "vaezoo.train.damages.pairs",
    "vaezoo.train.photos": "vaezoo.train.damages.photos",
    "vaezoo.train.pictures": "vaezoo.data.pictures",
    "vaezoo.train.reductions": "vaezoo.train.damages.reductions",
    "vaezoo.train.sets": "vaezoo.data.sets",
    "vaezoo.train.styles": "vaezoo.data.styles",
    "vaezoo.host.keeper": "vaezoo.host.manager",
    "vaezoo.host.acting": "vaezoo.host.asking",
    "vaezoo.registry.shelf": "vaezoo.registry.entries",
    "vaezoo.cli.shelf": "vaezoo.cli.listing",
    "vaezoo.release.shelf": "vaezoo.release.cards",
    "vaezoo.inspection.whereabouts": "vaezoo.inspection.origins",
    "vaezoo.publish.opened": "vaezoo.publish.loading",
    "vaezoo.zoo.blank": "vaezoo.zoo.uninitialised",
    "vaezoo.restore.given": "vaezoo.restore.numbers",
}
"""Old module to new ones, separated by blanks."""
TASKS = "vaezoo.restore.tasks"
"""The package that had a module for each task; now each is in the plugin that declares it."""
NAMES = {
    "vaezoo.cli.evaluate": dict.fromkeys(
        ("flat", "load_test_split", "measure_likelihood", "measure_task", "protocol_of", "tensor_of"),
        "vaezoo.release.protocol",
    ),
    "vaezoo.core.beliefs": {
        **dict.fromkeys(("gaussian", "dirac", "full_gaussian"), "vaezoo.core.beliefs.kinds"),
        "GROUP": "vaezoo.host.beliefs",
    },
    "vaezoo.core.decoder": dict.fromkeys(
        ("LOGVAR_PIXEL", "LikelihoodHead", "kind_class", "made_kind"), "vaezoo.core.likelihood.head"
    ),
    "vaezoo.image.file.files": {
        "make_folder": "vaezoo.files.atomic",
        "replace_file": "vaezoo.files.atomic",
    },
    "vaezoo.train.checkpoint": {"replace_file": "vaezoo.files.atomic"},
    "vaezoo.train.data": {"RECORRUPTION": "vaezoo.train.damages.recorruption"},
    "vaezoo.train.recipe": {"OWN": "vaezoo.train.recipe.checks"},
    "vaezoo.train.update": {"HIDDEN": "vaezoo.train.optimizers"},
    "vaezoo.zoo": {
        **dict.fromkeys(("ConformanceCase", "PartDeclaration", "hookimpl"), "vaezoo.host.hookspecs"),
        **dict.fromkeys(("Keeper", "Plugin", "keeper", "plugins"), "vaezoo.host.manager"),
        **dict.fromkeys(
            [f"register_{kind}" for kind in ("conditioner", "decoder", "encoder", "loss", "model", "prior")],
            "vaezoo.host.register",
        ),
        "explain": "vaezoo.inspection.explanation",
        "fit_prior": "vaezoo.train.fitting",
        "load": "vaezoo.publish.saving",
        "save": "vaezoo.publish.saving",
        "settings": "vaezoo.host.settings",
    },
    "vaezoo.zoo.specs": {"load_object": "vaezoo.registry.target"},
}
"""Names that a package had, and the modules they are in now."""

RENAMED = {"Keeper": "Zoo", "keeper": "current_zoo", "Shelf": "Entries", "replace_file": "write_whole"}
"""Names that are others now, where an old module or package had them."""


MADE = {
    "vaezoo.evaluate.measure": {
        "METRICS": ("vaezoo.host.kinds.names_of('metric')", "vaezoo.evaluate.measure:former_metrics")
    },
    "vaezoo.train.damage": {
        "Draw": ("vaezoo.train.damages.Damage.spoil", "vaezoo.train.former:draw"),
        "damage_of": ("vaezoo.train.damages.damage.damage_of", "vaezoo.train.former:margin_and_draw"),
    },
    "vaezoo.train.photos": {
        "Draw": ("vaezoo.train.damages.PairDamage.pair", "vaezoo.train.former:draw"),
        "DRAWS": ("vaezoo.train.damages.PairDamage.pair", "vaezoo.train.former:pair_draws"),
    },
    "vaezoo.train.purpose": {"TASKS": ("vaezoo.train.damages.Damage.task", "vaezoo.train.former:tasks")},
    "vaezoo.train.recipe": {
        "DAMAGES": ("vaezoo.host.kinds.names_of('damage')", "vaezoo.train.former:damages"),
        "REDUCTIONS": ("vaezoo.train.damages.Damage.shrinks", "vaezoo.train.former:reductions"),
    },
}
"""Names that a module had of what is declared now: their successors, and functions that make what they were."""


def former(package: str, name: str, depth: int = 3) -> Any:
    """Returns the present object of a former name of a package, with a warning.

    Args:
        package: Name of the package or module.
        name: Name that it had.
        depth: How many frames further up the warning points. The default suits ``__getattr__ = partial(former, ...)``.

    Raises:
        AttributeError: The package never had it.
    """
    if name in MADE.get(package, {}):
        successor, maker = MADE[package][name]
        home, _, new = maker.partition(":")
        _warn(f"{package}.{name}", successor, depth)
        return getattr(import_module(home), new)()
    if name not in NAMES.get(package, {}):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    home, new = NAMES[package][name], RENAMED.get(name, name)
    _warn(f"{package}.{name}", f"{home}.{new}", depth)
    return getattr(import_module(home), new)


def follow() -> None:
    """Makes imports of old modules find the new ones."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


class _Old(ModuleType):
    """An old module. Where its package had a function of its name, it takes that one's place, so it can be called."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        return getattr(self, self.__name__.rpartition(".")[2])(*args, **settings)


class _Finder:
    """Makes a module that looks its names up in the new ones.

    It inherits neither class of importlib.abc, since importing that module takes as long as importing vaezoo.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader: Any = self
        if fullname in MODULES:
            return ModuleSpec(fullname, loader)
        if fullname == TASKS or fullname.startswith(f"{TASKS}."):
            return ModuleSpec(fullname, loader, is_package=fullname == TASKS)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Old(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        old, homes = module.__name__, _homes(module.__name__)
        _warn(old, " and ".join(homes))

        def find(name: str) -> Any:
            if name in MADE.get(old, {}):
                return former(old, name, depth=4)
            new = RENAMED.get(name, name)
            for home in homes:
                if hasattr(found := import_module(home), new):
                    return getattr(found, new)
            raise AttributeError(f"module {old!r} has no attribute {name!r}")

        module.__getattr__ = find  # type: ignore[method-assign]


def _homes(old: str) -> list[str]:
    """Returns the modules that took an old one's place; a task's is where its plugin declares it.

    Raises:
        ModuleNotFoundError: The old module was a task's, and no plugin declares that task.
    """
    if old in MODULES:
        return MODULES[old].split()
    if old == TASKS:
        return ["vaezoo.restore.task"]
    from vaezoo.errors import UnknownName

    find = import_module("vaezoo.host.kinds").find  # by its name: this module serves all layers, and belongs to none
    try:
        return [find("task", old.rpartition(".")[2].replace("_", "-")).__module__]
    except UnknownName as error:
        raise ModuleNotFoundError(f"No module named {old!r}", name=old) from error


def _warn(old: str, new: str, depth: int = 3) -> None:
    warnings.warn(f"{old} is {new} now", DeprecationWarning, stacklevel=depth)
