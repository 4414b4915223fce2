"""What a run says while it goes: a JSON line per interval, a progress bar or plain lines, and perhaps TensorBoard."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from vaezoo.errors import BackendUnavailable

LOG = "log.jsonl"


@final
class Tally:
    """Means of the reports since it was last emptied; a report need not come at every step."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, reports: Mapping[str, Tensor]) -> None:
        """Adds the reports of a step."""
        for name, value in reports.items():
            self._sums[name] = self._sums.get(name, 0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def empty(self) -> dict[str, float]:
        """Returns the means that are finite, and starts anew; NaN marks a report that has no meaning for a model."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return {name: mean for name, mean in means.items() if math.isfinite(mean)}


@final
class Journal:
    """The log of a run; only the first process has one that speaks.

    Args:
        out: The folder of the run, or None for a journal that does nothing.
        total: Steps of the whole run.
        fresh: Whether an older log is replaced.
        tensorboard: Whether the numbers also go to TensorBoard's event files, beside the log.

    Raises:
        BackendUnavailable: TensorBoard is asked for and not installed.
    """

    def __init__(self, out: Path | None, total: int, fresh: bool, tensorboard: bool = False) -> None:
        self._events = _event_writer(out, fresh) if tensorboard and out is not None else None
        self._file = (out / LOG).open("w" if fresh else "a") if out is not None else None
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
        """Writes one line to the log, and to the terminal or its progress bar."""
        if self._file is None:
            return
        self._file.write(json.dumps({"event": event, "step": step, **values}) + "\n")
        self._file.flush()
        if self._events is not None:
            for name, value in values.items():
                if isinstance(value, float):
                    self._events.add_scalar(f"{event}/{name}", value, step)
        text = " ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items())
        if self._progress is None:
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
            self._file.close()


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
