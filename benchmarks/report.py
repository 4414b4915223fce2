"""Turns recorded measurements into ``docs/restoration.md``. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.records import Records
from vaezoo.evaluate.calibration import INTERVALS

DOCS = Path(__file__).parents[1] / "docs"
FIGURE = DOCS / "figures" / "denoise.jpg"
TILED_SIGMA = 25.0

ROWS = {
    "noisy": ("noisy input", ""),
    "nlm": ("non-local means (scikit-image)", "yes"),
    "wavelet": ("wavelets, BayesShrink (scikit-image)", "yes"),
    "bm3d": ("BM3D, colour (bm3d)", "yes"),
    "denoise": ("**`denoise`**", "no"),
}
"""Each method's label, and whether it is told the noise level."""

HEAD = """# Denoising, measured

This page is written by `python -m benchmarks.restoration`; do not edit it. The data sets are looked for in the folders
of `$VAEZOO_DATA`, and the peers come with `pip install vaezoo[bench]`.

**Protocol.** The i-th picture of the set, counted from 0 in order of file name, gets the noise
`numpy.random.RandomState(i).randn(1, 3, H, W)` as float32 times σ/255, and is not clipped. Every output is clipped to
[0, 1] and not rounded. PSNR is over all pixels and RGB channels; SSIM (11-pixel Gaussian window, σ 1.5) the mean over
channels; both are averaged over pictures. All methods see the same noise. **The peers are told σ; `denoise` is not.**

**CPU time** is per pixel, of one thread, relative to `denoise`. The measurements shared their machine with other work,
so it says which method costs ten times more, not which costs a tenth more.
"""


def write(records: Records, sets: Mapping[str, Sequence[str]], sigmas: Sequence[float]) -> None:
    """Writes the page.

    Args:
        records: What was measured.
        sets: Names of the pictures of each set.
        sigmas: Noise levels.
    """
    parts = [HEAD]
    for data, names in sets.items():
        parts += [f"## {data}, {len(names)} pictures\n", quality_table(records, data, names, sigmas)]
        if records.identity("denoise"):
            parts += ["### How honest is the uncertainty?\n", honesty(records, data, names, sigmas)]
            parts += ["### Tiles against the whole picture\n", tiles(records, data)]
    if FIGURE.exists():
        parts += [f"![noisy, denoised and uncertainty](figures/{FIGURE.name})\n"]
    ran = {label: identity for name, (label, _) in ROWS.items() if (identity := records.identity(name))}
    parts += ["## What exactly ran\n", *(f"- {label}: {identity}" for label, identity in ran.items()), ""]
    DOCS.mkdir(exist_ok=True)
    (DOCS / "restoration.md").write_text("\n".join(parts))


def quality_table(records: Records, data: str, names: Sequence[str], sigmas: Sequence[float]) -> str:
    """Returns PSNR and SSIM of each method; where only some pictures are measured, it says on how many."""
    times = {name: _mean_time(records, name, data, names, sigmas) for name in ROWS}
    base = times["denoise"]
    lines = [_row("method", "told σ", *(f"σ = {sigma:g}" for sigma in sigmas), "CPU time"), _rule(len(sigmas) + 3)]
    for name, (label, told) in ROWS.items():
        cells = [_quality(records, name, data, sigma, names) for sigma in sigmas]
        spent = times[name]
        cost = "–" if spent is None or not base or name == "noisy" else f"{spent / base:.2g} ×"
        lines.append(_row(label, told, *cells, cost))
    return "PSNR in dB / SSIM, larger is better.\n\n" + "\n".join(lines) + "\n"


def _quality(records: Records, name: str, data: str, sigma: float, names: Sequence[str]) -> str:
    there = records.measured(name, data, sigma, names)
    mean = records.average(name, data, sigma, there)
    if mean is None:
        return "–"
    cell = f"{mean['psnr_db']:.2f} / {mean['ssim']:.4f}"
    if len(there) == len(names):
        return cell
    own = records.average("denoise", data, sigma, there)
    beside = f"; `denoise` on these {own['psnr_db']:.2f}" if own else ""
    return f"{cell} (first {len(there)} only{beside})"


def honesty(records: Records, data: str, names: Sequence[str], sigmas: Sequence[float]) -> str:
    """Returns the table of coverage and a sentence on how far it is from nominal."""
    titles = [f"within ±{width:g} sd (nominal {_nominal(percent)} %)" for percent, width in INTERVALS.items()]
    lines = [_row("σ", *titles, "ENCE", "rank correlation", "stated error", "actual error"), _rule(8)]
    worst: tuple[float, str] = (-1.0, "")
    for sigma in sigmas:
        mean = records.average("denoise", data, sigma, names)
        if mean is None:
            continue
        shares = {percent: 100 * mean[f"coverage_{percent}"] for percent in INTERVALS}
        lines.append(_row(
            f"{sigma:g}", *(f"{share:.1f} %" for share in shares.values()), f"{mean['ence']:.3f}",
            f"{mean['rank_correlation']:.2f}", f"{mean['scale_levels']:.2f}", f"{mean['rmse_levels']:.2f}",
        ))  # fmt: skip
        for percent, share in shares.items():
            gap = share - _nominal(percent)
            sentence = (
                f"The furthest from nominal is the {percent} % interval at σ = {sigma:g}: it holds {share:.1f} % of "
                f"the values, {abs(gap):.1f} points {'more' if gap > 0 else 'fewer'} than it says."
            )
            worst = max(worst, (abs(gap), sentence))
    text = (
        "How often the clean value lies within the stated standard deviation of the output, as the model states it:\n"
        "nothing was fitted afterwards. ENCE is 0 for a calibrated model (15 bins of equal count, a picture each);\n"
        "errors are in grey levels, root mean square over a picture.\n"
    )
    return f"{text}\n" + "\n".join(lines) + f"\n\n{worst[1]}\n"


def tiles(records: Records, data: str) -> str:
    """Returns a sentence on the largest differences that tiling made."""
    change = records.largest("denoise-tiled", data, "psnr_change_db")
    levels = records.largest("denoise-tiled", data, "largest_difference_levels")
    if change is None or levels is None:
        return "Not measured.\n"
    return (
        f"In tiles of 256 pixels at σ = {TILED_SIGMA:g}, the PSNR of no picture changes by more than {change:.2g} dB, "
        f"and no value by more than {levels:.2g} of 255 grey levels.\n"
    )


def _mean_time(records: Records, name: str, data: str, names: Sequence[str], sigmas: Sequence[float]) -> float | None:
    means = [records.average(name, data, sigma, records.measured(name, data, sigma, names)) for sigma in sigmas]
    found = [mean["cpu_seconds_per_megapixel"] for mean in means if mean is not None]
    return sum(found) / len(found) if found else None


def _nominal(percent: int) -> float:
    return 68.3 if percent == 68 else float(percent)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
