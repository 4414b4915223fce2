"""What a method that is compared is, and the models of this zoo; the others are in `classical` and `learned`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.host.kinds import names_of
from vaezoo.restore.task import Task, task_class


class Result(NamedTuple):
    """What a method makes of a picture.

    Attributes:
        image: (1, C, H, W); luma (1, 1, H, W) where the protocol compares no more.
        scale: Its standard deviation per pixel, same shape, where the method states one.
        facts: What else it says.
    """

    image: Tensor
    scale: Tensor | None = None
    facts: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Method:
    """A restorer that is compared.

    Attributes:
        name: Short name, for the command line and the records.
        identity: What exactly ran: package, version, settings, the weights' sha256.
        run: From a damaged picture (1, C, H, W), the level of its damage and the task, told what the protocol tells.
        levels: Those it can do; None where it can do all.
    """

    name: str
    identity: str
    run: Callable[[Tensor, float, Task], Result]
    levels: tuple[float, ...] | None = None


def untold(weights: Path | None = None) -> Method:
    """Returns the model ``deblur`` on pictures whose kernel the others are told.

    It is compared for the one kernel whose centre of mass is its centre; by the others it moves the picture.
    """
    from vaezoo_deblur.blind_deblur import BlindDeblur

    blind = model("deblur", weights)
    return dataclasses.replace(
        blind, name="deblur-untold", run=lambda y, level, task: blind.run(y, level, BlindDeblur()), levels=(1.0,)
    )


def unchanged(name: str) -> Method:
    """Returns the input itself."""
    return Method(name, "as it is", lambda y, level, task: Result(y))


def model(
    name: str,
    weights: Path | None = None,
    *,
    tile: int | None = None,
    told: bool = False,
    samples: int = 0,
    ensemble: bool = False,
    **options: Any,
) -> Method:
    """Returns a model of the zoo.

    Args:
        name: Its name, or that of its weights, such as ``denoise.open``.
        weights: A safetensors file instead of the weights that ship.
        tile: The largest side of a tile; None for whole images where they fit.
        told: Whether it is told the noise level.
        samples: Compare the mean of so many samples instead of the mean path.
        ensemble: Whether it sees each picture in eight views.
        options: Of the task, such as ``denoise=False``.

    Raises:
        ConfigError: It cannot be told the noise level.
    """
    import vaezoo
    from vaezoo.restore import Restorer

    chosen = (name, True) if weights is None else (name.partition(".")[0], weights)
    vae = vaezoo.create(chosen[0], pretrained=chosen[1])
    restorer = Restorer(vae, tile=tile, samples=samples, self_ensemble=ensemble)
    if told and "sigma" not in restorer.takes:
        raise ConfigError(f"{name!r} cannot be told the noise level.", hint="Compare it blind.", value=name)
    identity = f"vaezoo {vaezoo.__version__}, weights {vae.origin.weights.sha256}" + (", told σ" if told else "")
    purpose = vae.origin.spec.model.task
    for other in task_class(purpose).also if purpose in names_of("task") else ():
        identity += f", {other.partition('.')[0]} {vaezoo.create(other, pretrained=True).origin.weights.sha256}"
    identity += f", mean of samples: {samples}" if samples else ""
    identity += ", self-ensemble" if ensemble else ""
    identity += "".join(f", {option}={value}" for option, value in options.items())

    def run(y: Tensor, level: float, task: Task) -> Result:
        changed = options | ({"sigma": level} if told else {})
        restored = (dataclasses.replace(task, **changed) if changed else task).restore(restorer, y)  # type: ignore[type-var]
        if restored.average is not None:
            return Result(restored.average, None, restored.facts)
        return Result(restored.image, restored.scale, restored.facts)

    marks = ("-told" if told else "", "-tiled" if tile else "", f"-mean-{samples}" if samples else "")
    marks += ("-ensemble",) if ensemble else ()
    marks += tuple(f"-{option}-{value}".lower() for option, value in options.items())
    return Method(name.partition(".")[0] + "".join(marks), identity, run)
