"""Turns recorded measurements into ``docs/restoration.md``. Nothing is measured here; the tables are in `tables`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.records import Records
from benchmarks.restorers import tables
from benchmarks.restorers.suites import METHODS, SUITES, Suite

DOCS = Path(__file__).parents[2] / "docs"
FIGURE = DOCS / "figures" / "denoise.jpg"
TILED, TILED_SIGMA = "kodak24", 25.0
"""Name of the suite whose pictures are also restored in tiles, and the noise level."""

HEAD = """# Restoration, measured

This page is written by `python -m benchmarks.restoration`; do not edit it. The data sets are looked for in the folders
of `$VAEZOO_DATA`; the classical peers come with `pip install vaezoo[bench]`; the learned peers run where the weights
that their authors publish on GitHub are in a folder of `$VAEZOO_PEERS`, under their own names: DnCNN (`cszn/DnCNN`),
FFDNet (`cszn/FFDNet`), IMDN (`Zheng222/IMDN`), PAN (`zhaohengyuan1/PAN`). No such weights ship here.

Every output is clipped to [0, 1] and not rounded. SSIM has an 11-pixel Gaussian window of σ 1.5 and is the mean over
channels. Both are averaged over pictures, and all methods see the same pixels. Where a method was not measured on
every picture, its cell says on how many, and what this zoo's model has on those.

**CPU time** is per pixel of the result, one thread, networks eager and in fp32, relative to this zoo's model. The
measurements shared their machine with other work, so it says which method costs ten times more, not which costs a tenth
more.
"""

TASKS = {
    "denoise": """## Denoising

The i-th picture of the set, counted from 0 in order of file name, gets the noise
`numpy.random.RandomState(i).randn(1, C, H, W)` as float32 times σ/255, and is not clipped. PSNR is over all pixels and
channels: RGB, or gray where the set is gray.
""",
    "dejpeg": """## Removing JPEG artefacts

Gray pictures, saved by libjpeg at a quality and read again. PSNR is over all pixels of luma.
""",
    "sr": """## Super-resolution

Pictures, cropped to multiples of the factor, are shrunk in RGB by the bicubic kernel of MATLAB's `imresize` and rounded
to 8 bits. PSNR and SSIM are of luma (BT.601, studio range), without a border as wide as the factor.
""",
    "deblur": """## Deblurring

Pictures are blurred with a kernel of the task's list, as if they went on at the other side, and get noise of 2.55 grey
levels. Every method is told the kernel but the one that says it is not. PSNR is over all pixels and RGB channels.
""",
    "blind-deblur": """## Deblurring, blind

Pictures are blurred with a round Gaussian of a standard deviation in pixels, mirrored at the border, and get noise of
2.55 grey levels. No method is told which. PSNR is over all pixels and RGB channels.
""",
    "lowlight": """## Low light

Pictures, in linear light of sRGB, keep a share of it, get the noise of a camera whose white pixels count 4000 electrons
and are read with a standard deviation of 3 (both Gaussian, seeded by the picture's index), and are rounded to 8 bits in
sRGB. No method is told the share but the one that divides by it. PSNR is over all pixels and RGB channels.
""",
}

CAMERA = """The variance of the noise is σ² (½ + x): half of it grows with the light x. The noisy picture is clipped and
rounded to 8 bits, as files are. σ is what those are told who are told.
"""


def write(records: Records, figures: Mapping[str, Path]) -> None:
    """Writes the page.

    Args:
        records: What was measured.
        figures: The frontier of quality and cost, by the suite's name.
    """
    parts = [HEAD]
    task = ""
    for suite in SUITES:
        if not records.levels(suite.name):
            continue
        if suite.task != task:
            parts.append(TASKS[task := suite.task])
        parts += suite_parts(records, suite, figures.get(suite.name))
    parts += ["## Against published values\n", tables.published(records)]
    names = [name for name in METHODS if records.identity(name)]
    parts += ["## What exactly ran\n", *(f"- {METHODS[n].label}, `{n}`: {records.identity(n)}" for n in names), ""]
    DOCS.mkdir(exist_ok=True)
    (DOCS / "restoration.md").write_text("\n".join(parts))


def suite_parts(records: Records, suite: Suite, figure: Path | None) -> list[str]:
    """Returns what the page says of a suite."""
    kind = "gray" if suite.gray else "colour"
    title = f"### {suite.data}: {suite.pictures} {kind} pictures"
    parts = [f"{title}, noise of a camera's file\n", CAMERA] if suite.camera else [f"{title}\n"]
    parts.append(tables.quality(records, suite))
    if figure:
        parts.append(f"![quality and cost](figures/{figure.name})\n")
    for name in suite.methods:
        if table := tables.honesty(records, suite, name):
            parts += [f"#### How honest is the uncertainty of {METHODS[name].label}?\n", table]
    if left := suite.task == "sr" and records.largest(suite.own, suite.name, "consistency_levels"):
        parts.append(
            f"Shrunk again, no result of `{suite.own}` is more than {left:.2g} of 255 grey levels from its input.\n"
        )
    if suite.name == TILED:
        parts += ["#### Tiles against the whole picture\n", tiles(records, suite)]
        if FIGURE.exists():
            parts.append(f"![noisy, denoised and uncertainty](figures/{FIGURE.name})\n")
    return parts


def tiles(records: Records, suite: Suite) -> str:
    """Returns a sentence on the largest differences that tiling made."""
    change = records.largest(f"{suite.own}-tiled", suite.name, "psnr_change_db")
    levels = records.largest(f"{suite.own}-tiled", suite.name, "largest_difference_levels")
    if change is None or levels is None:
        return "Not measured.\n"
    return (
        f"In tiles of 256 pixels at σ = {TILED_SIGMA:g}, the PSNR of no picture changes by more than {change:.2g} dB, "
        f"and no value by more than {levels:.2g} of 255 grey levels.\n"
    )
