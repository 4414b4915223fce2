"""What `benchmarks.photos` compares: a person's call, the weights alone, and others told their best."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from vaezoo_denoise.denoise import Denoise

from benchmarks.photo.sets import HALF, Photo, pixels_of, png, taken
from benchmarks.restorers import classical, learned, methods
from vaezoo.core import VAE
from vaezoo.image import upscale


class Answer(NamedTuple):
    """What a method makes of a photo.

    Attributes:
        image: (1, 3, H, W); 8 bits where a file was written.
        middle: What ``sd`` is around, same shape, not rounded; None where no sd is stated.
        sd: Standard deviation that is stated, same shape and unit.
        interval: The lower and the upper end of the interval of 90 %, where one is stated.
    """

    image: Tensor
    middle: Tensor | None = None
    sd: Tensor | None = None
    interval: tuple[Tensor, Tensor] | None = None


@final
@dataclass(frozen=True)
class Candidate:
    """A method that is compared.

    Attributes:
        name: Short name, for the command line and the records.
        identity: What exactly ran: package, version, settings, the weights' sha256.
        run: From a photo and a level, which means what the suite says.
    """

    name: str
    identity: str
    run: Callable[[Photo, float], Answer]


Weights = Mapping[str, Path]
"""Files that stand for the weights that ship, by the model's name."""


@final
@dataclass(frozen=True)
class Entry:
    """A method in the tables.

    Attributes:
        label: How the page calls it.
        make: Returns it; raises what `vaezoo.errors` has where its package, weights or files are missing.
        told: What it is told, where its best value is searched for; empty for a blind one.
        own: Whether it is this zoo's.
    """

    label: str
    make: Callable[[Weights], Candidate]
    told: str = ""
    own: bool = False


def enhance(name: str, weights: Weights, level: str = "", **options: Any) -> Candidate:
    """Returns `vaezoo.enhance`, called with the path of the photo and nothing else, so that it writes 8 bits.

    The weights and the code are part of its identity, the code by what it answers: see `answers`.

    Args:
        name: Of the candidate.
        weights: A file for the model stands in for what ships.
        level: The option that is given the suite's level, if any.
        options: Given too.
    """
    import vaezoo

    given, loaded = _given(weights, options.get("task", "denoise"))

    def run(photo: Photo, value: float) -> Answer:
        asked = options | ({} if given is None else {"model": given}) | ({level: value} if level else {})
        with _in_file(photo) as path:
            found = vaezoo.enhance(path, **asked)
        image = _tensor(found.image.values())
        if found.scale is None:
            return Answer(image)
        interval = found.interval(90)
        ends = _tensor(interval.lower), _tensor(interval.upper)
        return Answer(image, _tensor(found.restored), _tensor(found.sd), ends)

    identity = f"{_of_model(loaded)}{', told σ' if level else ''}, answers {answers(run)}"
    return Candidate(name, identity, run)


def of_floats(name: str, weights: Weights, *, stronger: bool = False) -> Candidate:
    """Returns `vaezoo.enhance` of values that are neither clipped nor rounded: rounding would count as noise.

    Args:
        name: Of the candidate.
        weights: A file for the model stands in for what ships.
        stronger: Whether the suite's level is its ``strength``. Otherwise no option is given.
    """
    import vaezoo

    given, loaded = _given(weights, "denoise")

    def run(photo: Photo, value: float) -> Answer:
        asked = {"strength": value} if stronger else {}
        return Answer(_tensor(vaezoo.enhance(photo.y[0].permute(1, 2, 0).numpy(), model=given, **asked).image))

    digests = f"{answers(run, 0.5)} {answers(run, 2.0)}" if stronger else answers(run)
    return Candidate(name, f"{_of_model(loaded)}, answers {digests}", run)


def enlarged(name: str, weights: Weights, model: str, *, clean: bool = False) -> Candidate:
    """Returns `vaezoo.enhance` of the file by the task ``sr``, to twice its size.

    Args:
        name: Of the candidate.
        weights: Not used: both weights that it may compare are of one model.
        model: The model, with the tag of its weights.
        clean: Whether the file is cleaned before: by ``dejpeg`` where it is JPEG, else by ``denoise``.
    """
    import vaezoo

    made = vaezoo.create(model, pretrained=True)

    def run(photo: Photo, level: float) -> Answer:
        with _in_file(photo) as path:
            task = "dejpeg" if photo.suffix == ".jpg" else "denoise"
            image = vaezoo.enhance(path, task=task).image if clean else path
            return Answer(_tensor(vaezoo.enhance(image, task="sr", model=made, factor=HALF).image.values()))

    return Candidate(name, f"{_of_model(made)}, answers {answers(run)}", run)


def alone(name: str, model_name: str, weights: Weights, *, told: bool = False, quarters: bool = False) -> Candidate:
    """Returns the weights of a model without the task around them.

    Args:
        name: Of the candidate.
        model_name: The model and its weights, such as ``denoise.photo``. A file for the model stands in for its
            weights ``photo``.
        weights: The files.
        told: Whether it is told the noise level.
        quarters: Whether it runs on the four quarters of the picture; see `in_quarters`.
    """
    import vaezoo
    from vaezoo.restore import Restorer

    model, _, tag = model_name.partition(".")
    file = weights.get(model) if tag == "photo" else None
    made = vaezoo.create(model, pretrained=file) if file else vaezoo.create(model_name, pretrained=True)
    restorer = Restorer(made)

    def run(photo: Photo, level: float) -> Answer:
        if quarters:
            return Answer(in_quarters(lambda part: restorer(part).image, photo.y))
        maps = {"sigma": torch.full_like(photo.y[:, :1], level / 255)} if told else None
        found = restorer(photo.y, maps=maps)
        return Answer(found.image, found.image, found.scale)

    marks = (", told σ" if told else "") + (", in quarters" if quarters else "")
    return Candidate(name, f"{_of_model(made)}, alone{marks}", run)


def in_quarters(run: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    """Runs a denoiser on the four pictures of every second pixel, in which coarse noise is finer.

    Args:
        run: From (1, C, h, w) to the same.
        y: (1, C, H, W); an odd side is made even by its last line.

    Source: When AWGN-based Denoiser Meets Real Noises (Zhou et al., 2019), arXiv:1904.03485: pixel-shuffle
    down-sampling by 2, without its refinement.
    """
    height, width = y.shape[2:]
    even = F.pad(y, (0, width % 2, 0, height % 2), mode="replicate")
    parts = F.pixel_unshuffle(even, 2).unflatten(1, (y.shape[1], 4))
    restored = torch.stack([run(parts[:, :, i].contiguous()) for i in range(4)], 2)
    return F.pixel_shuffle(restored.flatten(1, 2), 2)[..., :height, :width]


def plain_nlm(weights: Weights) -> Candidate:
    """Returns scikit-image's non-local means that knows no σ, only the filter's width h, as OpenCV's does."""
    from skimage.restoration import denoise_nl_means

    def run(photo: Photo, level: float) -> Answer:
        y = photo.y[0].permute(1, 2, 0).double().numpy()
        found = denoise_nl_means(y, patch_size=5, patch_distance=6, h=level / 255, fast_mode=True, channel_axis=-1)
        return Answer(_tensor(found))

    identity = f"scikit-image {version('scikit-image')}, patch_size=5, patch_distance=6, sigma=0, fast_mode=True"
    return Candidate("nlm-plain", identity, run)


def peer(make: Callable[[], methods.Method], weights: Weights) -> Candidate:
    """Returns a method of `benchmarks.restorers.classical` or `benchmarks.restorers.learned`, told the level as σ."""
    method = make()
    return Candidate(
        method.name, method.identity, lambda photo, level: Answer(method.run(photo.y, level, Denoise()).image)
    )


def answers(run: Callable[[Photo, float], Answer], level: float = 10.0) -> str:
    """Returns a short digest of what a call makes of one small photo, as PNG and as JPEG.

    So what was measured before the code changed is not taken for what it does now. Means of 8×8 pixels are rounded to
    a tenth of a level, so that another machine's arithmetic seldom makes it another.
    """
    slope = np.linspace(40, 215, 64).astype(np.uint8)
    small = np.stack([np.tile(slope, (64, 1)), np.tile(slope[:, None], (1, 64)), np.full((64, 64), 128, np.uint8)], 2)
    photo = taken(small, "night phone", 0)
    digest = hashlib.sha256()
    for seen in (photo, photo._replace(file=png(pixels_of(photo.y)), suffix=".png")):
        means = F.avg_pool2d(255 * run(seen, level).image, 8)
        digest.update((10 * means).round().to(torch.int32).numpy().tobytes())
    return digest.hexdigest()[:8]


def _given(weights: Weights, name: str) -> tuple[VAE | None, VAE]:
    """Returns the model with the weights of a given file, or None; and the model that is measured."""
    import vaezoo

    given = vaezoo.create(name, pretrained=weights[name]) if name in weights else None
    return given, given or vaezoo.create(name, pretrained=True)


@contextmanager
def _in_file(photo: Photo) -> Iterator[Path]:
    """Gives a path of the photo's file, while it is used."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"photo{photo.suffix}"
        path.write_bytes(photo.file)
        yield path


def _of_model(model: VAE) -> str:
    import vaezoo

    return f"vaezoo {vaezoo.__version__}, weights {model.origin.weights.sha256}"


def _tensor(values: Any) -> Tensor:
    """Returns an array (H, W, 3) as (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.asarray(values, np.float32).transpose(2, 0, 1)))[None]


METHODS = {
    "input": Entry(
        "the photo as it is", lambda w: Candidate("input", "as it is", lambda photo, level: Answer(photo.y))
    ),
    "nlm": Entry("non-local means, told σ (scikit-image)", partial(peer, classical.nlm), "σ"),
    "nlm-plain": Entry("non-local means (scikit-image)", plain_nlm, "h"),
    "bm3d": Entry("BM3D, colour (bm3d)", partial(peer, classical.bm3d), "σ"),
    "ffdnet": Entry("FFDNet, colour", partial(peer, learned.ffdnet), "σ"),
    "dejpeg": Entry('`enhance(path, task="dejpeg")`', partial(enhance, "dejpeg", task="dejpeg"), own=True),
    "open": Entry("`denoise.open` alone", partial(alone, "open", "denoise.open"), own=True),
    "open-quarters": Entry(
        "`denoise.open` in quarters (PD)", partial(alone, "open-quarters", "denoise.open", quarters=True), own=True
    ),
    "small": Entry("`denoise-small.photo` alone", partial(alone, "small", "denoise-small.photo"), own=True),
    "photo": Entry("`denoise.photo` alone", partial(alone, "photo", "denoise.photo"), own=True),
    "photo-quarters": Entry(
        "`denoise.photo` in quarters (PD)", partial(alone, "photo-quarters", "denoise.photo", quarters=True), own=True
    ),
    "photo-told": Entry("`denoise.photo` alone", partial(alone, "photo-told", "denoise.photo", told=True), "σ", True),
    "enhance": Entry("`enhance(path)`", partial(enhance, "enhance"), own=True),
    "enhance-told": Entry("`enhance(path, sigma=σ)`", partial(enhance, "enhance-told", level="sigma"), "σ", True),
    "enhance-floats": Entry("`enhance(image)`", partial(of_floats, "enhance-floats"), own=True),
    "bicubic": Entry(
        "bicubic", lambda w: Candidate("bicubic", "upscale", lambda photo, _: Answer(upscale(photo.y, HALF)))
    ),
    "sr": Entry('`enhance(path, task="sr")`', partial(enlarged, "sr", model="sr.open"), own=True),
    "cleaned-sr": Entry(
        "cleaned by `dejpeg` or `denoise`, then `sr`",
        partial(enlarged, "cleaned-sr", model="sr.open", clean=True),
        own=True,
    ),
    "sr-photo": Entry(
        '`enhance(path, task="sr", model="sr.photo")`', partial(enlarged, "sr-photo", model="sr.photo"), own=True
    ),
    "strength": Entry("`enhance(image, strength=…)`", partial(of_floats, "strength", stronger=True), own=True),
}
"""Every method by name, in the order of the tables."""
