"""The tables of ``docs/restoration.md``, from the records."""

from __future__ import annotations

from benchmarks.records import Records
from benchmarks.restorers.published import PUBLISHED, TOLERANCE_DB
from benchmarks.restorers.suites import METHODS, SUITES, Suite
from vaezoo.evaluate.calibration import INTERVALS

INPUTS = ("noisy", "jpeg", "blurred", "dark")
LEVELS = {
    "denoise": "σ = {:g}",
    "dejpeg": "quality {:g}",
    "sr": "× {:g}",
    "deblur": "kernel {:g}",
    "blind-deblur": "Gaussian of {:g} pixels",
    "lowlight": "light × {:g}",
}
TOLD = {"denoise": "told σ", "dejpeg": "told quality", "lowlight": "told the share"}


def quality(records: Records, suite: Suite) -> str:
    """Returns PSNR and SSIM of each method that was measured, by level."""
    levels = records.levels(suite.name)
    names = [name for name in suite.methods if any(records.pictures(name, suite.name, level) for level in levels)]
    timed = [name for name in names if name not in INPUTS]
    base = suite.own if suite.own in timed else timed[-1] if timed else None
    told = [TOLD[suite.task]] if suite.task in TOLD else []
    cost = "CPU time" if base == suite.own or base is None else f"CPU time, of {METHODS[base].label}'s"
    lines = [_row("method", *told, *(LEVELS[suite.task].format(level) for level in levels), cost)]
    lines.append(_rule(len(levels) + len(told) + 2))
    for name in names:
        entry = METHODS[name]
        label = f"**{entry.label}**" if entry.own else entry.label
        knows = ["" if name in INPUTS else "yes" if entry.told else "no"] if told else []
        ratio = _ratio(records, suite, name, base, levels) if base and name in timed else None
        spent = "–" if ratio is None else f"{ratio:.2g} ×"
        lines.append(_row(label, *knows, *(_cell(records, suite, name, level) for level in levels), spent))
    return "PSNR in dB / SSIM, larger is better.\n\n" + "\n".join(lines) + "\n"


def _cell(records: Records, suite: Suite, name: str, level: float) -> str:
    there = records.pictures(name, suite.name, level)
    mean = records.average(name, suite.name, level)
    if mean is None:
        return "–"
    cell = f"{mean['psnr_db']:.2f} / {mean['ssim']:.4f}"
    if len(there) == suite.pictures:
        return cell
    own = records.average(suite.own, suite.name, level, there) if name != suite.own else None
    beside = f"; {METHODS[suite.own].label} on these {own['psnr_db']:.2f}" if own else ""
    return f"{cell} (measured on {len(there)} of {suite.pictures} pictures{beside})"


def honesty(records: Records, suite: Suite, name: str) -> str:
    """Returns the table of coverage of a method, and how far it is from nominal; nothing where it states no scale."""
    means = {level: records.average(name, suite.name, level) for level in records.levels(suite.name)}
    stated = {level: mean for level, mean in means.items() if mean and "ence" in mean}
    if not stated:
        return ""
    titles = [f"within ±{width:g} sd (nominal {_nominal(percent)} %)" for percent, width in INTERVALS.items()]
    lines = [_row("level", *titles, "ENCE", "rank correlation", "stated error", "actual error"), _rule(8)]
    worst: tuple[float, str] = (-1.0, "")
    for level, mean in stated.items():
        at = LEVELS[suite.task].format(level)
        shares = {percent: 100 * mean[f"coverage_{percent}"] for percent in INTERVALS}
        lines.append(_row(
            at, *(f"{share:.1f} %" for share in shares.values()), f"{mean['ence']:.3f}",
            f"{mean['rank_correlation']:.2f}", f"{mean['scale_levels']:.2f}", f"{mean['rmse_levels']:.2f}",
        ))  # fmt: skip
        for percent, share in shares.items():
            gap = share - _nominal(percent)
            sentence = (
                f"The furthest from nominal is the {percent} % interval at {at}: it holds {share:.1f} % of "
                f"the values, {abs(gap):.1f} points {'more' if gap > 0 else 'fewer'} than it says."
            )
            worst = max(worst, (abs(gap), sentence))
    counts = {len(records.pictures(name, suite.name, level)) for level in stated}
    partly = "" if counts == {suite.pictures} else f"\nMeasured on {min(counts)} of {suite.pictures} pictures."
    text = (
        "How often the clean value lies within the stated standard deviation of the output, as the model states it:\n"
        "nothing was fitted afterwards. ENCE is 0 for a calibrated model (15 bins of equal count, a picture each);\n"
        f"errors are in grey levels, root mean square over a picture.{partly}\n"
    )
    return f"{text}\n" + "\n".join(lines) + f"\n\n{worst[1]}\n"


def published(records: Records) -> str:
    """Returns the peers' published values beside those of here, where every picture was measured."""
    lines = [_row("method", "suite", "level", "here, dB", "published, dB", "difference"), _rule(6)]
    gaps = []
    for suite in SUITES:
        for (name, where), values in PUBLISHED.items():
            for level, value in values.items() if where == suite.name else ():
                mean = records.average(name, suite.name, level)
                if mean is None or len(records.pictures(name, suite.name, level)) != suite.pictures:
                    continue
                gaps.append(mean["psnr_db"] - value)
                at = LEVELS[suite.task].format(level)
                row = (METHODS[name].label, suite.data, at, f"{mean['psnr_db']:.2f}", f"{value:.2f}")
                lines.append(_row(*row, f"{gaps[-1]:+.3f}"))
    if not gaps:
        return "No learned peer was measured on every picture of a set.\n"
    within = sum(abs(gap) <= TOLERANCE_DB for gap in gaps)
    return (
        "Whether this protocol and these adapters are the papers': PSNR of the authors' own weights.\n"
        f"{within} of {len(gaps)} are within {TOLERANCE_DB:g} dB. Published values of Kodak24 are of crops of\n"
        "500×500 pixels, those here of whole pictures: they are not compared.\n\n" + "\n".join(lines) + "\n"
    )


def _ratio(records: Records, suite: Suite, name: str, base: str, levels: list[float]) -> float | None:
    """Returns the CPU time of a method over another's, at the levels that both were measured at."""
    means = [[records.average(method, suite.name, level) for method in (name, base)] for level in levels]
    pairs = [[mean["cpu_seconds_per_megapixel"] for mean in pair if mean] for pair in means if all(pair)]
    return sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs) if pairs else None


def _nominal(percent: int) -> float:
    return 68.3 if percent == 68 else float(percent)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
