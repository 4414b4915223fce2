"""Draws what quality costs: PSNR against CPU time, from the records. Nothing is measured here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks.records import Records
from benchmarks.restorers.suites import METHODS, SUITES, Suite
from benchmarks.restorers.tables import INPUTS, LEVELS

FIGURES = Path(__file__).parents[2] / "docs" / "figures"
SHOWN = {
    "kodak24": 25.0,
    "dejpeg:classic5": 10.0,
    "sr:set5": 2.0,
    "deblur:set5": 1.0,
    "blind-deblur:kodak24": 2.0,
    "lowlight:kodak24": 0.2,
}
"""The suites that are drawn, and the level."""

OWN, PEER, LINE = "#ff5a36", "#3a6ea5", "#b8b8b8"


class Point(NamedTuple):
    """A method that was measured on every picture of a suite."""

    label: str
    seconds: float
    psnr_db: float
    own: bool


def points(records: Records, suite: Suite, level: float) -> list[Point]:
    """Returns the methods of a suite from the fastest to the slowest; inputs are not among them."""
    found = []
    for name in suite.methods:
        mean = records.average(name, suite.name, level)
        if mean and len(records.pictures(name, suite.name, level)) == suite.pictures and name not in INPUTS:
            entry = METHODS[name]
            label = entry.label.split(" (")[0].replace("`", "")
            found.append(Point(label, mean["cpu_seconds_per_megapixel"], mean["psnr_db"], entry.own))
    return sorted(found, key=lambda point: point.seconds)


def leading(found: list[Point]) -> list[Point]:
    """Returns those of points, in order of time, that no faster one equals in quality."""
    best: list[Point] = []
    for point in found:
        if not best or point.psnr_db > best[-1].psnr_db:
            best.append(point)
    return best


def write(records: Records) -> dict[str, Path]:
    """Draws every suite that has at least two points.

    Returns:
        The file of each, by the suite's name.
    """
    files = {}
    for suite in SUITES:
        level = SHOWN.get(suite.name)
        found = [] if level is None else points(records, suite, level)
        if level is not None and len(found) > 1:
            files[suite.name] = FIGURES / f"frontier-{suite.task}-{suite.data}.png"
            draw(found, f"{suite.data}, {LEVELS[suite.task].format(level)}", files[suite.name])
    return files


def draw(found: list[Point], title: str, path: Path) -> None:
    """Draws points with their names, and a line along those that lead."""
    from adjustText import adjust_text
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    best = leading(found)
    axes.step([p.seconds for p in best], [p.psnr_db for p in best], where="post", color=LINE, linewidth=1, zorder=1)
    axes.set_xscale("log")
    axes.margins(x=0.16, y=0.16)
    names = []
    for point in found:
        colour = OWN if point.own else PEER
        axes.scatter(point.seconds, point.psnr_db, color=colour, s=70 if point.own else 40, zorder=2)
        weight = "bold" if point.own else "normal"
        names.append(axes.text(point.seconds, point.psnr_db, point.label, color=colour, fontsize=9, weight=weight))
    axes.set(xlabel="CPU seconds per million pixels, one thread", ylabel="PSNR, dB", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    figure.draw_without_rendering()  # a layout moves the axes, and with them the names
    places = [point.seconds for point in found], [point.psnr_db for point in found]
    adjust_text(names, *places, ax=axes, expand=(1.2, 1.8), arrowprops={"arrowstyle": "-", "color": LINE})
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
