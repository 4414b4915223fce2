"""Many picture files: where each result goes, and enhancing one after the other.

What happens to one image is in `vaezoo.restore.enhanced`. Nothing here loads torch until a picture is
enhanced. Files are asked for by `os.path`, which has an answer also for names that no file can have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.errors import ConfigError, ImageError, VaezooError

if TYPE_CHECKING:
    import numpy as np

    from vaezoo.restore.restorer import Restorer
    from vaezoo.restore.task import Task

_MARK = ".enhanced"


@dataclass
class Job:
    """One picture file to enhance, where the result goes, and what became of it.

    Attributes:
        source: The picture; never written.
        target: The enhanced picture.
        status: ``"pending"``, ``"written"``, ``"skipped"`` or ``"failed"``.
        error: Why it failed.
        facts: What is known of a written one: ``seconds``, ``tile``, ``device``, ``uncertainty`` (root mean
            square over the image, in units of the pixel value in [0, 1]), ``figure``, ``uncertainty_npz``,
            ``uncertainty_png``, ``interval`` (level in percent, and method), and what the task found; in place of
            ``uncertainty`` ``not_calibrated``, the reason, where the picture is unlike those of the calibration.
    """

    source: Path
    target: Path
    status: str = "pending"
    error: VaezooError | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def figure(self) -> Path:
        """Where the comparison goes."""
        return self._beside("figure.png")

    @property
    def numbers(self) -> Path:
        """Where the uncertainty goes in numbers."""
        return self._beside("uncertainty.npz")

    @property
    def map(self) -> Path:
        """Where the picture of the uncertainty goes."""
        return self._beside("uncertainty.png")

    def files(self, *, figure: bool = False, uncertainty: bool = False) -> list[Path]:
        """Returns what will be written: the target, and what is asked for beside it."""
        return [self.target, *[self.figure] * figure, *[self.numbers, self.map] * uncertainty]

    def _beside(self, ending: str) -> Path:
        other = "" if self.target.suffix == ".png" else self.target.suffix
        return self.target.with_name(f"{self.target.stem}{other}.{ending}")

    def check(
        self,
        *,
        overwrite: bool = False,
        skip_existing: bool = False,
        figure: bool = False,
        uncertainty: bool = False,
    ) -> None:
        """Fails the job if its source is no file, or what will be written is the source or may not be replaced.

        Args:
            overwrite: Whether files that exist may be replaced.
            skip_existing: Whether a target that exists means that nothing is to do.
            figure: Whether a comparison will be written too.
            uncertainty: Whether the uncertainty will be written too.
        """
        wanted = self.files(figure=figure, uncertainty=uncertainty)
        there = [path for path in wanted if os.path.exists(path)]
        if not os.path.isfile(self.source):
            self._fail(ImageError(f"{self.source} cannot be read: {_missing(self.source)}.", value=str(self.source)))
        elif own := [path for path in there if path.samefile(self.source)]:
            message = f"{own[0]} is the input itself, which is never replaced."
            self._fail(ConfigError(message, hint="Give another output.", value=str(own[0])))
        elif skip_existing and os.path.exists(self.target):
            self.status = "skipped"
        elif there and not overwrite:
            hint = "Overwrite it, skip what exists, or give another output."
            if skip_existing:
                hint = "Its picture does not: a run was cut short, it seems. Overwrite too, which replaces no picture."
            self._fail(ConfigError(f"{there[0]} exists already.", hint=hint, value=str(there[0])))

    def run(
        self,
        restorer: Restorer,
        *,
        task: Task | None = None,
        strength: float = 1.0,
        figure: bool = False,
        uncertainty: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Reads, enhances and writes, the picture last; a `VaezooError` fails the job and is kept.

        Where it fails or is interrupted, what it had written beside a picture that is not there is removed.

        Args:
            restorer: Holds the model.
            task: What to do; None for what the model is for.
            strength: As in `vaezoo.restore.enhance`.
            figure: Whether to write a comparison too.
            uncertainty: Whether to write the uncertainty too, as numbers and as a picture; a model that states none
                fails the job.
            progress: As in `vaezoo.restore.enhance`.
        """
        from vaezoo.image.file.files import check_suffix, make_folder, read_picture, write_picture
        from vaezoo.restore import enhance_with, write_figure, write_uncertainty
        from vaezoo.restore.enhanced import choose_task
        from vaezoo.restore.restorer import is_out_of_memory

        begun: list[Path] = []
        try:
            check_suffix(self.target)
            before = read_picture(self.source)
            task = (task or choose_task(None, restorer.model)).of_file(self.source)
            make_folder(self.target.parent)
            result = enhance_with(restorer, before, task=task, strength=strength, progress=progress)
            beside = self.files(figure=figure, uncertainty=uncertainty)[1:]
            begun = [path for path in beside if not os.path.lexists(path)]
            if uncertainty:
                interval = write_uncertainty(self.numbers, self.map, result)
                self.facts |= {
                    "uncertainty_npz": str(self.numbers),
                    "uncertainty_png": str(self.map),
                    "interval": {"level": interval.level, "method": interval.method},
                }
            if figure:
                after = result.image.values()
                write_figure(self.figure, _as_large(before.values(), after), after, result.uncertainty)
                self.facts["figure"] = str(self.figure)
            write_picture(result.image, self.target)
        except BaseException as error:
            self.facts.clear()
            for path in begun:
                with suppress(OSError):  # it was not written
                    path.unlink()
            if isinstance(error, VaezooError):
                return self._fail(error)
            if not is_out_of_memory(error):
                raise
            hint = "Give a smaller tile, or a smaller picture."
            message = f"Memory does not suffice for {self.source}."
            return self._fail(ImageError(message, hint=hint, value=str(self.source)))
        self.status = "written"
        self.facts |= {"seconds": round(result.seconds, 3), "tile": result.tile, "device": result.device}
        self.facts |= result.facts
        if result.doubt:
            self.facts["not_calibrated"] = result.doubt
        elif result.uncertainty is not None:
            self.facts["uncertainty"] = round(float((result.uncertainty**2).mean() ** 0.5), 6)

    def report(self) -> dict[str, Any]:
        """Returns the job for programs, as JSON can hold it."""
        report = {"input": str(self.source), "output": str(self.target), "status": self.status}
        if self.error is not None:
            report |= {"error": self.error.code, "message": str(self.error)}
        return report | self.facts

    def _fail(self, error: VaezooError) -> None:
        self.status, self.error = "failed", error


def plan(
    inputs: Sequence[Path], output: Path | None = None, *, figure: bool = False, uncertainty: bool = False
) -> list[Job]:
    """Finds the pictures and where each result goes, without opening any. A file that is named twice counts once.

    Args:
        inputs: Files and folders; of a folder the pictures directly in it, without hidden ones and earlier results.
        output: A file where there is one input file, else a folder. None: ``NAME.enhanced.EXT`` beside each
            input, as PNG where its format cannot be written.
        figure: Whether comparisons will be written too.
        uncertainty: Whether the uncertainty will be written too.

    Raises:
        ImageError: A folder holds no picture.
        ConfigError: Two inputs would be written to one file, or several to a file that is no folder, or an input would
            be replaced by what is written for another.
    """
    many = len(inputs) > 1 or os.path.isdir(inputs[0])
    if many and output and os.path.isfile(output):
        raise ConfigError(f"{output} is a file; several inputs need a folder.", value=str(output))
    found: dict[Path, Path] = {}
    for path in (path for inside in inputs for path in _pictures(inside)):
        found.setdefault(_place(path), path)
    jobs = [Job(path, _target(path, output, into_folder=many)) for path in found.values()]
    owners: dict[Path, Job] = {}
    for job in jobs:
        for path in job.files(figure=figure, uncertainty=uncertainty):
            if (other := owners.setdefault(_place(path), job)) is not job:
                raise ConfigError(
                    f"{other.source} and {job.source} would both be written to {path}.",
                    hint="Enhance them in two runs.", value=str(path),
                )  # fmt: skip
    for job in jobs:
        there = {_place(job.source), _place(Path(os.path.realpath(job.source)))}
        for owner in [owners[path] for path in there if owners.get(path, job) is not job]:
            message = f"{job.source} would be replaced by the result of {owner.source}, and is an input itself."
            raise ConfigError(message, hint="Give another output.", value=str(job.source))
    return jobs


def _place(path: Path) -> Path:
    """Returns a path that is the same however its folder is spelt; a link itself is not followed."""
    return Path(os.path.realpath(path.parent)) / path.name


def _missing(path: Path) -> str:
    """Returns why a path is no file that could be read."""
    try:
        os.stat(path)
    except (FileNotFoundError, ValueError):  # the latter where no file can have this name
        return "no such file"
    except OSError as error:
        return error.strerror or "no such file"
    return "it is no ordinary file"


def _as_large(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns a picture (H, W, C) bicubically of another's size, where it is not of it already."""
    if before.shape == after.shape:
        return before
    import torch

    from vaezoo.image.resize import resize

    larger = resize(torch.from_numpy(before).permute(2, 0, 1)[None], after.shape[:2])
    return larger[0].permute(1, 2, 0).numpy()


def _pictures(path: Path) -> list[Path]:
    from vaezoo.image.file.files import READABLE

    if not os.path.isdir(path):
        return [path]
    try:
        inside = sorted(path.iterdir())
    except OSError as error:
        raise ImageError(f"The folder {path} cannot be read: {error.strerror}.", value=str(path)) from error
    found = [
        p
        for p in inside
        if p.suffix.lower() in READABLE and _MARK not in p.suffixes and p.name[0] != "." and not os.path.isdir(p)
    ]
    if not found:
        raise ImageError(f"The folder {path} holds no picture.", value=str(path))
    return found


def _target(source: Path, output: Path | None, *, into_folder: bool) -> Path:
    from vaezoo.image.file.files import WRITABLE

    suffix = source.suffix if source.suffix.lower() in WRITABLE else ".png"
    if output is None:
        return source.with_name(f"{source.stem}{_MARK}{suffix}")
    if into_folder or os.path.isdir(output) or not output.suffix:
        return output / f"{source.stem}{suffix}"
    return output
