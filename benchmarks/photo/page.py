"""Turns the measurements of `benchmarks.photos` into ``docs/photos.md``. Nothing is measured here."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from benchmarks.photo.asked import LEFT, asked, best, each, left_at_one, mean
from benchmarks.photo.flat import DARKEST, DEVIATION, LIGHTEST, SIDE
from benchmarks.photo.methods import METHODS
from benchmarks.photo.sets import CAMERAS, CC15_URL, FLAT
from benchmarks.photo.suites import CC15, CLEAN, JPEG, PHONE, SCREENS, SMALL, STRENGTH, WHITE, Suite
from benchmarks.photo.told import GRID
from benchmarks.records import Records
from vaezoo.image.damage.camera import Camera

DOCS = Path(__file__).parents[2] / "docs"
PAGE, FIGURE = DOCS / "photos.md", DOCS / "figures" / "photos.jpg"
SEEN_LEVELS = 255 / 100
"""Root mean square of a change that is called small: a PSNR of 40 dB."""

_GRID = f"{', '.join(f'{level:g}' for level in GRID[:-1])} and {GRID[-1]:g}"

HEAD = """# Photos, measured

What a person gets who has a photo enhanced and says nothing about it: on real photos at high ISO, on photos as phones
and messengers write them, and on pictures that are clean already. This page is written by
`python -m benchmarks.photos`; do not edit it. The data sets are looked for in the folders of `$VAEZOO_DATA`, and peers'
weights in those of `$VAEZOO_PEERS`. What is not there is skipped.

`enhance(path)` is `vaezoo.enhance` with the path of the file and no options. *Alone* means the weights without the task
around them. PSNR is over all pixels and RGB channels, and is averaged over pictures. Where a file goes in, every result
is rounded to 8 bits, as the file that comes out.
"""

REAL = f"""## Real noise: CC15

15 pairs of photos, of three cameras at ISO 1600 to 6400: one shot, and the mean of many shots of the same scene, which
is taken as the truth. They are public ({CC15_URL}),
for research that is not commercial. So they do not ship here, and no weights were trained on them.

A method that is told a value is told the same one for all pictures, the best of a search. It tries {_GRID} grey
levels, goes on beyond an end while that is better, and then tries the values between the best and its neighbours. *PD*
is pixel-shuffle down-sampling by 2: the network runs on four pictures, each of every second pixel in both directions.

"""

STRONG = f"""### `strength` on flat areas

Noise on flat areas: the result minus the truth, less its mean over the block. It is the root mean square over all flat
blocks of a photo, in grey levels: of luma, and of Cb and Cr together (BT.601, full range).

- A block of {SIDE} × {SIDE} pixels is flat where the truth, in each channel, has a standard deviation of at most
  {DEVIATION:.1f} and a mean of {DARKEST:g} to {LIGHTEST:g} grey levels. The {STRENGTH.pictures} photos with at least
  {FLAT} flat blocks are measured.
- *Even* is what a result would have that is even in each block. It is the truth's own structure, and noise that is left
  in it.
- Noise counts as left in a photo where its luma at strength 1 has more than {LEFT:g} times that.

"""

NOISY_JPEG = """## Noise and JPEG

Kodak's picture of index i, in 8-bit values x, gets noise and is rounded:
`y = uint8(round(clip(x + RandomState(i).randn(H, W, 3) * σ)))`. It is then saved by Pillow as JPEG, with chroma halved.

"""

PHONES = """## Simulated phones

Kodak's pictures through `vaezoo.image.damage.camera.camera_photo`; the noise is seeded by the picture's index.
The truth goes through the same camera without noise and JPEG. PSNR in dB:

"""

CLEAN_TEXT = """## Clean pictures

PSNR of the result to the clean picture that went in: the photos of cid22-valid, and three screenshots that are drawn by
code. The results of weights alone are not rounded here. 99 dB stands for an equal result.

The last two columns are the largest change of Cb or Cr (BT.601) in grey levels: in any pixel of the screenshots, and in
any pixel that was gray, where a colour fringe would be new.

"""

WHITE_TEXT = """## White noise

Noise of `RandomState(i).randn(1, 3, H, W)` times σ/255, not clipped, as in [Restoration](restoration.md).

"""

SMALL_TEXT = """## Small pictures, enlarged

Kodak's pictures, reduced by 2 with an antialiased bicubic filter, then saved as JPEG with chroma halved, or with white
noise, rounded. They are enlarged by 2 and compared with the originals, over all RGB values.

"""

HONEST = """### How honest is the stated sd?

The share of the truth's values, over all pixels, that lie within so many stated standard deviations of the result, and
in `interval(90)`. The last two columns are the root mean squares of the sd and of the error, in grey levels.

"""


def page(records: Records) -> str:
    """Returns the page."""
    parts = [HEAD]
    if short := _short(records):
        parts.append(short)
    if FIGURE.exists():
        parts.append(
            f"![photo, old weights, enhanced, clean](figures/{FIGURE.name})\n\n"
            "Details of two simulated photos; see below. The pictures are of gb82 (CC0), one of the training sets.\n"
        )
    if real := _real(records):
        parts += [REAL + real, *_honesty(records)]
    if strong := _strength(records):
        parts.append(STRONG + strong)
    for sigma, suite in JPEG.items():
        if table := _table(records, suite, "quality {:g}"):
            parts.append((NOISY_JPEG if sigma == min(JPEG) else "") + f"σ = {sigma}:\n\n" + table)
    if phones := _phones(records):
        parts.append(phones)
    if clean := _clean(records):
        parts.append(CLEAN_TEXT + clean)
    if white := _table(records, WHITE, "σ = {:g}"):
        parts.append(WHITE_TEXT + white)
    small = "\n".join(table for kind, suite in SMALL.items() if (table := _table(records, suite, f"{kind} {{:g}}")))
    if small:
        parts.append(SMALL_TEXT + small)
    names = [name for name in METHODS if records.identity(name)]
    ran = "".join(f"- {METHODS[name].label}, `{name}`: {records.identity(name)}\n" for name in names)
    return "\n".join([*parts, f"## What exactly ran\n\n{ran}"])


def _short(records: Records) -> str:
    """Returns the table of what was asked, and what it means for a user."""
    rows = list(asked(records))
    if not rows:
        return ""
    words = {True: "yes", False: "no", None: "–"}
    lines = [_row("what", "wanted", "measured", "reached", "goal"), _rule(5)]
    lines += [_row(row.what, row.wanted, row.measured, words[row.reached], words[row.goal]) for row in rows]
    meaning = "".join(f"- {sentence}\n" for sentence in meanings(records))
    return "## In short\n\n" + "\n".join(lines) + "\n\n" + (f"What this means:\n\n{meaning}" if meaning else "")


def meanings(records: Records) -> list[str]:
    """Returns what the figures mean for a user, a sentence each, as far as they were measured."""
    found, given = (mean(records, name, CC15) for name in ("enhance", "input"))
    share, changes = mean(records, "enhance", CC15, name="interval_90"), each(records, "enhance", CLEAN)
    sentences = []
    if found is not None and given is not None:
        part = 100 * 10 ** ((given - found) / 20)
        sentences.append(
            f"Of the error of real photos at high ISO, `enhance` leaves {part:.0f} %, without any setting."
        )
    if changes:
        worst = 255 * 10 ** (-min(changes) / 20)
        advice = "so it may be used on any photo" if worst < SEEN_LEVELS else "so leave clean photos out"
        sentences.append(
            f"`enhance` changes a clean photo by at most {worst:.1f} grey levels (root mean square), {advice}."
        )
    if share is not None:
        advice = "so it can be believed" if 0.85 <= share <= 0.95 else "so do not rely on it"
        sentences.append(
            f"The interval stated at 90 % holds {100 * share:.0f} % of the true values of real photos, {advice}."
        )
    return sentences


def _real(records: Records) -> str:
    names = [name for name in CC15.methods if _at(records, name) is not None]
    if not names:
        return ""
    lines = [_row("method", "told", "PSNR, dB", "SSIM", "CPU time"), _rule(5)]
    base = _seconds(records, "photo", _at(records, "photo"))
    for name in names:
        level = _at(records, name)
        if level is None:
            continue
        told = f"{METHODS[name].told} = {level:g}" if METHODS[name].told else ""
        seconds = _seconds(records, name, level)
        spent = f"{seconds / base:.2g} ×" if base and seconds and name != "input" else "–"
        ssim = records.average(name, CC15.name, level) or {}
        lines.append(_row(_label(name), told, _cell(records, name, CC15, level), f"{ssim['ssim']:.4f}", spent))
    relative = "CPU time is relative to `denoise.photo` alone; the machine did other work too.\n" if base else ""
    return "\n".join(lines) + "\n" + (f"\n{relative}" if relative else "")


def _at(records: Records, name: str) -> float | None:
    """Returns the level that a method is shown at on the real pairs: the best told one, or 0; None: not measured."""
    if METHODS[name].told:
        found = best(records, name, CC15)
        return None if found is None else found[0]
    return 0.0 if records.pictures(name, CC15.name, 0.0) else None


def _seconds(records: Records, name: str, level: float | None) -> float | None:
    values = None if level is None else records.average(name, CC15.name, level)
    return values["cpu_seconds_per_megapixel"] if values else None


def _honesty(records: Records) -> list[str]:
    """Returns how often the truth of the real pairs is where it is stated to be; nothing where no sd was measured."""
    lines = []
    for name in ("open", "small", "photo", "enhance"):
        values = records.average(name, CC15.name, 0.0) or {}
        if "coverage_90" in values:
            shares = [f"{100 * values[f'coverage_{percent}']:.1f} %" for percent in (68, 90, 95)]
            interval = f"{100 * values['interval_90']:.1f} %" if "interval_90" in values else "–"
            stated, actual = f"{values['sd_levels']:.2f}", f"{values['rmse_levels']:.2f}"
            lines.append(_row(_label(name), *shares, interval, stated, actual))
    if not lines:
        return []
    head = _row("method", "±1 sd (68.3 %)", "±1.645 sd (90 %)", "±1.96 sd (95 %)", "`interval(90)`", "sd", "error")
    return [HONEST + "\n".join([head, _rule(7), *lines]) + "\n"]


def _strength(records: Records) -> str:
    levels = [level for level in STRENGTH.levels if mean(records, "strength", STRENGTH, level, "luma") is not None]
    if not levels:
        return ""
    lines = [_row("noise, grey levels", *(f"strength {level:g}" for level in levels), "even"), _rule(len(levels) + 2)]
    for name in ("luma", "chroma"):
        values = [mean(records, "strength", STRENGTH, level, name) for level in levels]
        least = mean(records, "strength", STRENGTH, levels[0], f"least_{name}")
        lines.append(_row(name, *(f"{value:.2f}" for value in [*values, least])))
    once, twice = left_at_one(records)
    left = ""
    if once:
        one, two = (sum(values) / len(values) for values in (once, twice))
        left = (
            f"\nNoise is left at strength 1 in {len(once)} of {STRENGTH.pictures} photos. "
            f"There it is {one:.2f} levels of luma at 1, and {two:.2f} at 2.\n"
        )
    return "\n".join(lines) + "\n" + left


def _phones(records: Records) -> str:
    names = [
        name for name in next(iter(PHONE.values())).methods if any(_there(records, name, s) for s in PHONE.values())
    ]
    if not names:
        return ""
    told = "".join(f"- {name}: {_settings(camera)}\n" for name, camera in CAMERAS.items())
    lines = [_row("method", *PHONE), _rule(len(PHONE) + 1)]
    lines += [_row(_label(name), *(_cell(records, name, suite, 0.0) for suite in PHONE.values())) for name in names]
    return PHONES + "\n".join(lines) + f"\n\n{told}"


def _settings(camera: Camera) -> str:
    """Returns what a camera has other than by default."""
    values = {f.name: getattr(camera, f.name) for f in fields(camera)}
    return ", ".join(f"`{n}={v}`" for n, v in values.items() if v != getattr(Camera(), n))


def _clean(records: Records) -> str:
    names = [name for name in CLEAN.methods if _there(records, name, CLEAN) or _there(records, name, SCREENS)]
    if not names:
        return ""
    titles = ("photos, mean dB", "photos, worst dB", "screenshots, worst dB", "Cb or Cr", "where gray")
    lines = [_row("method", *titles), _rule(6)]
    for name in names:
        photos, screens = each(records, name, CLEAN), each(records, name, SCREENS)
        cells = [f"{min(photos):.1f}" if photos else "–", f"{min(screens):.1f}" if screens else "–"]
        for kind in ("chroma_levels", "fringe_levels"):
            values = each(records, name, SCREENS, name=kind)
            cells.append(f"{max(values):.1f}" if values else "–")
        lines.append(_row(_label(name), _cell(records, name, CLEAN, 0.0), *cells))
    return "\n".join(lines) + "\n"


def _table(records: Records, suite: Suite, title: str) -> str:
    """Returns PSNR by method and level."""
    names = [name for name in suite.methods if any(_there(records, name, suite, level) for level in suite.levels)]
    if not names:
        return ""
    lines = [_row("PSNR, dB", *(title.format(level) for level in suite.levels)), _rule(len(suite.levels) + 1)]
    for name in names:
        lines.append(_row(_label(name), *(_cell(records, name, suite, level) for level in suite.levels)))
    return "\n".join(lines) + "\n"


def _there(records: Records, name: str, suite: Suite, level: float = 0.0) -> bool:
    return bool(records.pictures(name, suite.name, level))


def _cell(records: Records, name: str, suite: Suite, level: float) -> str:
    """Returns a mean PSNR, with the number of pictures where some are missing."""
    values, there = records.average(name, suite.name, level), len(records.pictures(name, suite.name, level))
    if values is None:
        return "–"
    return f"{values['psnr_db']:.2f}" + ("" if there == suite.pictures else f" ({there} of {suite.pictures})")


def _label(name: str) -> str:
    return f"**{METHODS[name].label}**" if METHODS[name].own else METHODS[name].label


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
