"""Enhancing many image files, one after the other, and choosing where each result goes.

`vaezoo.restore.enhanced` enhances a single image. Nothing here loads torch before an image is enhanced. Files are
checked by `os.path`, which accepts even names that no file can have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.errors import ConfigError, ImageError, VaezooError, words_of
from vaezoo.files.targets import check_target

if TYPE_CHECKING:
    import numpy as np

    from vaezoo.restore.restorer import Restorer
    from vaezoo.restore.task import Task

_MARK = ".enhanced"


@dataclass
class Job:
    """An image file to enhance, with the places and the state of its results.

    Attributes:
        source: Path of the image. It is never written.
        target: Path of the enhanced image.
        status: ``"pending"``, ``"written"``, ``"skipped"`` or ``"failed"``.
        error: Error of a failed job.
        overwrite: Whether existing files may be replaced. :meth:`check` sets it.
        skip_existing: Whether there is nothing to do if the target exists. :meth:`check` sets it.
        facts: Report on a written image: ``seconds``, ``tile``, ``device``, ``uncertainty`` (root mean square over the
            image, in units of the pixel value in [0, 1]), ``figure``, ``uncertainty_npz``, ``uncertainty_png``,
            ``interval`` (level in percent, and method), and the task's own facts. If the image is unlike those of the
            calibration, ``not_calibrated`` has the reason and replaces ``uncertainty``.
    """

    source: Path
    target: Path
    status: str = "pending"
    error: VaezooError | None = None
    overwrite: bool = False
    skip_existing: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def figure(self) -> Path:
        """Path of the figure that compares before and after."""
        return self._beside("figure.png")

    @property
    def numbers(self) -> Path:
        """Path of the uncertainty as numbers."""
        return self._beside("uncertainty.npz")

    @property
    def map(self) -> Path:
        """Path of the uncertainty as an image."""
        return self._beside("uncertainty.png")

    def files(self, *, figure: bool = False, uncertainty: bool = False) -> list[Path]:
        """Returns the paths of all files that will be written."""
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
        """Fails the job if its source is not a file, or if a result must not or cannot be written.

        A result must not be the source, nor replace an existing file without permission.

        Args:
            overwrite: Whether existing files may be replaced.
            skip_existing: Whether there is nothing to do if the target exists.
            figure: Whether a figure will be written.
            uncertainty: Whether the uncertainty will be written.
        """
        self.overwrite, self.skip_existing = overwrite, skip_existing
        wanted = self.files(figure=figure, uncertainty=uncertainty)
        there = [path for path in wanted if os.path.exists(path)]
        bad = _unwritable(wanted)
        if not os.path.isfile(self.source):
            self._fail(ImageError(f"{self.source} cannot be read: {_missing(self.source)}.", value=str(self.source)))
        elif own := [path for path in there if path.samefile(self.source)]:
            message = f"{own[0]} is the input itself, which is never replaced."
            self._fail(ConfigError(message, hint="Give another output.", value=str(own[0])))
        elif bad is not None:
            self._fail(bad)
        elif skip_existing and os.path.exists(self.target):
            self.status = "skipped"
        elif there and not overwrite:
            hint = "Overwrite it, skip what exists, or give another output."
            if skip_existing:
                hint = "Its image does not, so a run was probably interrupted. Overwrite it: that replaces no image."
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
        """Reads, enhances and writes the image. An error fails the job and is kept in it.

        The image is written last. If the job fails or is interrupted without it, the other files it wrote are removed.
        A file that appeared while the model ran is replaced only if :meth:`check` allowed to overwrite.

        Args:
            restorer: Restorer with the model.
            task: Task. None means the model's own.
            strength: Strength, as in `vaezoo.restore.enhance`.
            figure: Whether to write a figure that compares before and after.
            uncertainty: Whether to write the uncertainty, as numbers and as an image. A model that predicts none fails
                the job.
            progress: Callback, as in `vaezoo.restore.enhance`.
        """
        from vaezoo.core.machine.memory import is_out_of_memory
        from vaezoo.files.atomic import make_folder
        from vaezoo.image.file.files import check_suffix, check_writable, read_picture, write_picture
        from vaezoo.restore import enhance_with, write_figure, write_uncertainty
        from vaezoo.restore.enhanced import choose_task

        begun: list[Path] = []
        try:
            check_suffix(self.target)
            before = read_picture(self.source)
            check_writable(before, self.target)
            task = (task or choose_task(None, restorer.model)).of_file(self.source)
            make_folder(self.target.parent, ImageError)
            result = enhance_with(restorer, before, task=task, strength=strength, progress=progress)
            fresh = [path for path in self.files(figure=True, uncertainty=True) if not os.path.lexists(path)]
            if uncertainty:
                interval = write_uncertainty(self.numbers, self.map, result, replace=self.overwrite)
                begun += [path for path in (self.numbers, self.map) if path in fresh]
                self.facts |= {
                    "uncertainty_npz": str(self.numbers),
                    "uncertainty_png": str(self.map),
                    "interval": {"level": interval.level, "method": interval.method},
                }
            if figure:
                after = result.image.values()
                larger = _as_large(before.values(), after)
                write_figure(self.figure, larger, after, result.uncertainty, replace=self.overwrite)
                begun += [self.figure] if self.figure in fresh else []
                self.facts["figure"] = str(self.figure)
            write_picture(result.image, self.target, replace=self.overwrite)
        except BaseException as error:
            self.facts.clear()
            for path in begun:
                with suppress(OSError):
                    path.unlink()
            if isinstance(error.__cause__, FileExistsError) and self.skip_existing:
                self.status = "skipped"  # another process was faster
                return None
            if isinstance(error, VaezooError):
                return self._fail(error)
            if is_out_of_memory(error):
                hint = "Give a smaller tile, or a smaller picture."
                message = f"Memory does not suffice for {self.source}."
                return self._fail(ImageError(message, hint=hint, value=str(self.source)))
            if not isinstance(error, Exception):
                raise
            return self._fail(unforeseen(error, self.source))
        self.status = "written"
        self.facts |= {"seconds": round(result.seconds, 3), "tile": result.tile, "device": result.device}
        self.facts |= result.facts
        if result.doubt:
            self.facts["not_calibrated"] = result.doubt
        elif result.uncertainty is not None:
            self.facts["uncertainty"] = round(float((result.uncertainty**2).mean() ** 0.5), 6)

    def report(self) -> dict[str, Any]:
        """Returns the job as values for JSON."""
        report = {"input": str(self.source), "output": str(self.target), "status": self.status}
        if self.error is not None:
            report |= {"error": self.error.code, "message": str(self.error)}
        return report | self.facts

    def _fail(self, error: VaezooError) -> None:
        self.status, self.error = "failed", error


def plan(
    inputs: Sequence[Path], output: Path | None = None, *, figure: bool = False, uncertainty: bool = False
) -> list[Job]:
    """Finds the images to enhance and the place of each result, without opening any. Repeated files count once.

    Args:
        inputs: Files and folders. Of a folder: the images directly in it, except hidden ones and earlier results.
        output: Path of the result for a single input file; otherwise a folder. None: ``NAME.enhanced.EXT`` beside each
            input, as PNG if its format cannot be written.
        figure: Whether figures will be written too.
        uncertainty: Whether the uncertainty will be written too.

    Raises:
        ImageError: A folder contains no images.
        ConfigError: Two inputs would be written to one file, the output of several inputs is a file, or an input would
            be replaced by the result of another.
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


def unforeseen(error: Exception, source: Path) -> ImageError:
    """Returns the error of an image for an unexpected exception. Its cause keeps the traceback."""
    said = words_of(error)[:300]
    told = ImageError(
        f"{source} cannot be enhanced: {type(error).__name__}{f': {said}' if said else ''}.",
        hint="This is a fault of vaezoo or of a plugin: please report it with the picture.",
        value=str(source),
    )
    told.__cause__ = error
    return told


def _unwritable(paths: Sequence[Path]) -> VaezooError | None:
    """Returns the error of the first file that cannot be written; None if there is none."""
    try:
        for path in paths:
            check_target(path)
    except ImageError as error:
        return error
    return None


def _place(path: Path) -> Path:
    """Returns a canonical path, however its folder is spelt. A link at its end is not followed."""
    return Path(os.path.realpath(path.parent)) / path.name


def _missing(path: Path) -> str:
    """Returns the reason why a path cannot be read as a file."""
    try:
        os.stat(path)
    except (FileNotFoundError, ValueError):  # ValueError: no file can have this name
        return "no such file"
    except OSError as error:
        return error.strerror or "no such file"
    return "it is no ordinary file"


def _as_large(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns an image (H, W, C), resized bicubically if it does not have the other's size."""
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
