"""What the denoiser for photos shall reach, beside what was measured. Every figure comes from the records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.photo.suites import CC15, CLEAN, JPEG, PHONE, SCREENS, SMALL, STRENGTH, WHITE, Suite
from benchmarks.photo.told import still_to_try
from benchmarks.records import Records

RISE_LEVELS = 0.05
"""Grey levels by which noise may rise with strength and still count as falling."""
LEFT = 2.0
"""Noise is left where it is more than so many times what a result that is even in each block would have."""


class Asked(NamedTuple):
    """One thing that was asked.

    Attributes:
        what: Of what.
        wanted: The least, and the goal beyond it where there is one.
        measured: What was found.
        reached: Whether it is the least; None where something to compare with was not measured.
        goal: Whether it is the goal; None where there is none, or something was not measured.
    """

    what: str
    wanted: str
    measured: str
    reached: bool | None
    goal: bool | None = None


def mean(records: Records, method: str, suite: Suite, level: float = 0.0, name: str = "psnr_db") -> float | None:
    """Returns the mean of a value over all pictures of a suite; None while one is missing."""
    values = records.average(method, suite.name, level)
    complete = len(records.pictures(method, suite.name, level)) == suite.pictures
    return values.get(name) if values and complete else None


def each(records: Records, method: str, suite: Suite, level: float = 0.0, name: str = "psnr_db") -> list[float]:
    """Returns a value of each picture of a suite; none while one is missing."""
    if mean(records, method, suite, level, name) is None:
        return []
    rows = [records.average(method, suite.name, level, [p]) for p in records.pictures(method, suite.name, level)]
    return [row[name] for row in rows if row]


def best(records: Records, method: str, suite: Suite) -> tuple[float, float] | None:
    """Returns the level that a method is best told, and the mean PSNR; None while the search is not over."""
    means = {level: mean(records, method, suite, level) for level in records.levels(suite.name)}
    found = {level: value for level, value in means.items() if value is not None}
    if still_to_try(found):
        return None
    level = max(found, key=lambda key: found[key])
    return level, found[level]


def asked(records: Records) -> Iterator[Asked]:
    """Yields what was asked, where the method that was asked it of was measured."""
    for part in (_blind, _told, _jpeg, _phone, _clean, _screens, _white, _sd, _strength, _small):
        yield from part(records)


def _blind(records: Records) -> Iterator[Asked]:
    found, given = mean(records, "enhance", CC15), mean(records, "input", CC15)
    if found is None or given is None:
        return
    peers = {name: best(records, name, CC15) for name in ("bm3d", "nlm", "nlm-plain", "ffdnet")}
    words = {"bm3d": "BM3D", "nlm": "NLM told σ", "nlm-plain": "NLM", "ffdnet": "FFDNet"}
    beside = [f"{words[n]} {p[1]:.2f} at {p[0]:g}" if p else f"{words[n]} not measured" for n, p in peers.items()]
    lower = [peers[name] for name in ("bm3d", "nlm", "nlm-plain")]
    above = None if any(p is None for p in lower) else all(found > p[1] for p in lower if p)
    goal = None if peers["ffdnet"] is None else found >= 38 and found > peers["ffdnet"][1]
    yield Asked(
        "CC15, told nothing",
        "≥ 37.3 dB, above BM3D and NLM told their best; goal: ≥ 38.0 dB, above FFDNet told its best",
        f"{found:.2f} dB (input {given:.2f}; {', '.join(beside)})",
        False if found < 37.3 else above,
        goal,
    )


def _told(records: Records) -> Iterator[Asked]:
    found, peer = best(records, "enhance-told", CC15), best(records, "ffdnet", CC15)
    if found is None:
        return
    beside = f"FFDNet {peer[1]:.2f} at {peer[0]:g}" if peer else "FFDNet not measured"
    gain = None if peer is None else found[1] - peer[1]
    yield Asked(
        "CC15, told one σ for all",
        "≥ FFDNet told its best; goal: 0.5 dB more",
        f"{found[1]:.2f} dB at σ = {found[0]:g} ({beside})",
        None if gain is None else gain >= 0,
        None if gain is None else gain >= 0.5,
    )


def _jpeg(records: Records) -> Iterator[Asked]:
    gains = []
    for suite in JPEG.values():
        for level in suite.levels:
            found, *others = (mean(records, name, suite, level) for name in ("enhance", "open", "dejpeg"))
            if found is not None and None not in others:
                gains.append(found - max(value for value in others if value is not None))
    if len(gains) == sum(len(suite.levels) for suite in JPEG.values()):
        yield Asked(
            "Noise 10 or 25 and JPEG 60 to 95, Kodak24",
            "above `denoise.open` and `dejpeg` in each of 8 cells",
            f"by {min(gains):+.2f} dB in the worst cell",
            min(gains) > 0,
        )
    found, given = (mean(records, name, JPEG[10], 75.0) for name in ("enhance", "input"))
    if found is not None and given is not None:
        yield Asked("Noise 10 and JPEG 75, Kodak24", "≥ +3 dB", f"{found - given:+.2f} dB", found - given >= 3)


def _phone(records: Records) -> Iterator[Asked]:
    name, suite = next(iter(PHONE.items()))
    found, given = (mean(records, method, suite) for method in ("enhance", "input"))
    if found is not None and given is not None:
        yield Asked(f"Simulated {name}, Kodak24", "≥ +3 dB", f"{found - given:+.2f} dB", found - given >= 3)


def _clean(records: Records) -> Iterator[Asked]:
    if values := each(records, "photo", CLEAN):
        average, worst = sum(values) / len(values), min(values)
        yield Asked(
            "Clean photo, by the weights alone",
            "PSNR to it ≥ 47 dB on average, ≥ 40 dB at worst",
            f"{average:.1f} dB on average, {worst:.1f} dB at worst",
            average >= 47 and worst >= 40,
        )


def _screens(records: Records) -> Iterator[Asked]:
    if values := each(records, "photo", SCREENS):
        chroma, fringe = (max(each(records, "photo", SCREENS, name=f"{n}_levels")) for n in ("chroma", "fringe"))
        yield Asked(
            "Clean screenshot, by the weights alone",
            "PSNR to it ≥ 45 dB, no new colour fringes",
            f"{min(values):.1f} dB at worst; the largest change of Cb or Cr is {chroma:.1f} levels, "
            f"{fringe:.1f} where it was gray",
            min(values) >= 45,
        )


def _white(records: Records) -> Iterator[Asked]:
    for method, called in (("enhance-floats", "`enhance`"), ("photo", "`denoise.photo` alone")):
        pairs = [[mean(records, name, WHITE, sigma) for name in (method, "open")] for sigma in WHITE.levels]
        gaps = [pair[1] - pair[0] for pair in pairs if pair[0] is not None and pair[1] is not None]
        if len(gaps) == len(WHITE.levels):
            told = ", ".join(f"{-gap:+.2f} dB at σ = {sigma:g}" for gap, sigma in zip(gaps, WHITE.levels, strict=True))
            wanted = "within 0.35 dB of `denoise.open`"
            yield Asked(f"White noise, Kodak24, {called}", wanted, told, max(gaps) <= 0.35)


def _small(records: Records) -> Iterator[Asked]:
    for kind, suite in SMALL.items():
        found = [
            [mean(records, name, suite, level) for name in ("bicubic", "cleaned-sr", "sr-photo")]
            for level in suite.levels
        ]
        known = [(b, c, p) for b, c, p in found if b is not None and c is not None and p is not None]
        if len(known) == len(suite.levels):
            told = "; ".join(
                f"{photo:.2f} at {level:g} ({photo - bicubic:+.2f} over bicubic, {photo - cleaned:+.2f} over cleaned)"
                for level, (bicubic, cleaned, photo) in zip(suite.levels, known, strict=True)
            )
            reached = all(photo >= bicubic + 1 and photo >= cleaned for bicubic, cleaned, photo in known)
            wanted = "≥ bicubic + 1 dB, ≥ cleaned and then `sr`"
            yield Asked(f"`sr.photo` twice as large, {kind}, Kodak24", wanted, told, reached)


def _sd(records: Records) -> Iterator[Asked]:
    share = mean(records, "enhance", CC15, name="interval_90")
    if share is not None:
        raw = [mean(records, "enhance", CC15, name=f"coverage_{percent}") or 0.0 for percent in (68, 90, 95)]
        told = " / ".join(f"{100 * value:.1f}" for value in raw)
        yield Asked(
            "The 90 % interval on CC15",
            "holds 85 to 95 % of all values",
            f"{100 * share:.1f} % (±1, ±1.645, ±1.96 sd: {told} %)",
            0.85 <= share <= 0.95,
        )


def noise_by_strength(records: Records, name: str) -> list[float]:
    """Returns the mean noise on flat areas by strength, in grey levels; none while one is missing."""
    values = [mean(records, "strength", STRENGTH, level, name) for level in STRENGTH.levels]
    return [] if None in values else [value for value in values if value is not None]


def left_at_one(records: Records) -> tuple[list[float], list[float]]:
    """Returns the luma noise at strengths 1 and 2 of the pictures where noise is left at 1; see `LEFT`."""
    once, twice = (each(records, "strength", STRENGTH, level, "luma") for level in (1.0, 2.0))
    least = each(records, "strength", STRENGTH, 1.0, "least_luma")
    kept = [row for row in zip(once, twice, least) if row[0] > LEFT * row[2]]  # noqa: B905  # all empty while one is
    return [row[0] for row in kept], [row[1] for row in kept]


def _strength(records: Records) -> Iterator[Asked]:
    luma, chroma = noise_by_strength(records, "luma"), noise_by_strength(records, "chroma")
    if not luma:
        return
    falls = all(b <= a + RISE_LEVELS for values in (luma, chroma) for a, b in itertools.pairwise(values))
    once, twice = left_at_one(records)
    share = sum(twice) / sum(once) if once else 0.0
    beside = (
        f"2 leaves {100 * share:.0f} % of what 1 leaves, in {len(once)} of {STRENGTH.pictures} photos"
        if once
        else "1 leaves none"
    )
    yield Asked(
        "Noise on flat areas of CC15 at `strength` 0, 0.5, 1, 2, 3",
        "falls; half from 1 to 2 where noise is left",
        f"luma {', '.join(f'{value:.2f}' for value in luma)} levels; {beside}",
        falls and share <= 0.5 if once else None,
    )
