"""The log of a run: JSON lines, a progress bar or plain lines in the terminal, and optionally TensorBoard."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from vaezoo.errors import BackendUnavailable, StoreError

LOG = "log.jsonl"


@final
class Tally:
    """Means of reports since the last reset. A report need not be there at every step."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, reports: Mapping[str, Tensor]) -> None:
        """Adds the reports of a step."""
        for name, value in reports.items():
            self._sums[name] = self._sums.get(name, 0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def empty(self) -> dict[str, float]:
        """Returns the finite means and resets them. NaN marks a report that is undefined for a model."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return {name: mean for name, mean in means.items() if math.isfinite(mean)}


@final
class Journal:
    """The log of a run. Only the first process writes one.

    Args:
        out: Folder of the run; None for a log that does nothing.
        total: Number of steps of the whole run.
        fresh: Whether to replace an older log.
        tensorboard: Whether to write TensorBoard event files too, beside the log.

    Raises:
        BackendUnavailable: TensorBoard is requested but not installed.
        StoreError: The log cannot be written.
    """

    def __init__(self, out: Path | None, total: int, fresh: bool, tensorboard: bool = False) -> None:
        self._events = _event_writer(out, fresh) if tensorboard and out is not None else None
        self._file = _opened(out / LOG, fresh) if out is not None else None
        console = Console(stderr=True)
        self._progress: Progress | None = None
        if out is not None and console.is_terminal:
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
            )
            self._progress = Progress(*columns, console=console)
            self._task = self._progress.add_task("", total=total)
            self._progress.start()

    def write(self, event: str, step: int, **values: Any) -> None:
        """Writes one line to the log, and to the terminal or its progress bar.

        Raises:
            StoreError: The log cannot be written.
        """
        if self._file is None:
            return
        try:
            self._file.write(json.dumps({"event": event, "step": step, **values}) + "\n")
            self._file.flush()
        except OSError as error:
            raise _unwritten(self._file.name, error) from error
        if self._events is not None:
            for name, value in values.items():
                if isinstance(value, float):
                    self._events.add_scalar(f"{event}/{name}", value, step)
        text = " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
        if self._progress is None:
            with suppress(OSError):  # a full disk or a closed pipe behind stderr ends no run
                print(f"{event} {step}: {text}", file=sys.stderr, flush=True)
        elif event == "train":
            self._progress.update(self._task, completed=step, description=text)
        else:
            self._progress.console.print(f"{event} {step}: {text}", markup=False, highlight=False)

    def close(self) -> None:
        """Closes the log and ends the progress bar."""
        if self._progress is not None:
            self._progress.stop()
        if self._events is not None:
            self._events.close()
        if self._file is not None:
            with suppress(OSError):  # a full disk refuses again what it refused before, which was reported
                self._file.close()


def _opened(path: Path, fresh: bool) -> IO[str]:
    try:
        return path.open("w" if fresh else "a", encoding="utf-8")
    except OSError as error:
        raise _unwritten(str(path), error) from error


def _unwritten(path: str, error: OSError) -> StoreError:
    return StoreError(f"{path} cannot be written: {error.strerror}.", value=path)


def _event_writer(out: Path, fresh: bool) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        message = "machine.tensorboard needs TensorBoard: pip install 'vaezoo[tensorboard]'"
        raise BackendUnavailable(message, value="tensorboard") from error
    if fresh:
        for old in out.glob("events.out.tfevents.*"):
            old.unlink()
    return SummaryWriter(str(out))
