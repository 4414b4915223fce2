"""What is compared where: the suites, each a task on a test set, and every method by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from benchmarks.restorers import classical, learned, methods
from vaezoo.image.damage.degradations import camera_file
from vaezoo.restore.task import Example, Task, task_class


@dataclass(frozen=True)
class Entry:
    """A method in the tables.

    Attributes:
        label: How pages call it.
        make: Returns it; raises what `vaezoo.errors` has where its package, weights or files are missing.
        told: Whether it is told the level, where that can be a question.
        own: Whether it is this zoo's.
    """

    label: str
    make: Callable[[], methods.Method]
    told: bool = False
    own: bool = False


OPEN = {name: f"{name}.open" for name in ("denoise", "denoise-small")}
"""The weights of the tables where a model has others by default: those for white noise."""
_DRAWING = ("denoise-small", "denoise", "dejpeg", "sr", "deblur")
METHODS = {
    "blurred": Entry("blurred input", partial(methods.unchanged, "blurred")),
    "wiener": Entry("Wiener filter (scikit-image)", classical.wiener),
    "richardson-lucy": Entry("Richardson–Lucy (scikit-image)", classical.richardson_lucy),
    "unsharp": Entry("unsharp mask (scikit-image)", classical.unsharp),
    "dark": Entry("dark input", partial(methods.unchanged, "dark")),
    "gamma": Entry("gamma to a mean of 0.45 (scikit-image)", classical.gamma),
    "clahe": Entry("CLAHE (scikit-image)", classical.clahe),
    "equalise": Entry("histogram equalisation (scikit-image)", classical.equalise),
    "exposed": Entry("light over its true share", classical.exposed, told=True),
    "noisy": Entry("noisy input", partial(methods.unchanged, "noisy")),
    "jpeg": Entry("JPEG", partial(methods.unchanged, "jpeg")),
    "nlm": Entry("non-local means (scikit-image)", classical.nlm, told=True),
    "wavelet": Entry("wavelets, BayesShrink (scikit-image)", classical.wavelet, told=True),
    "wavelet-gray": Entry("wavelets, BayesShrink (scikit-image)", partial(classical.wavelet, False), told=True),
    "tv": Entry("total variation (scikit-image)", classical.tv, told=True),
    "tv-jpeg": Entry("total variation (scikit-image)", classical.tv_jpeg, told=True),
    "bm3d": Entry("BM3D, colour (bm3d)", classical.bm3d, told=True),
    "bm3d-gray": Entry("BM3D (bm3d)", partial(classical.bm3d, False), told=True),
    "bicubic": Entry("bicubic", classical.bicubic),
    "lanczos": Entry("Lanczos (Pillow)", classical.lanczos),
    "dncnn": Entry("DnCNN-S", learned.dncnn, told=True),
    "dncnn-b": Entry("DnCNN-B", learned.dncnn_blind),
    "cdncnn-b": Entry("CDnCNN-B", partial(learned.dncnn_blind, True)),
    "dncnn-3": Entry("DnCNN-3", learned.dncnn_3),
    "ffdnet": Entry("FFDNet, colour", learned.ffdnet, told=True),
    "ffdnet-gray": Entry("FFDNet", partial(learned.ffdnet, False), told=True),
    "imdn": Entry("IMDN", learned.imdn),
    "pan": Entry("PAN", learned.pan),
    "denoise": Entry("`denoise`", partial(methods.model, "denoise.open"), own=True),
    "denoise-told": Entry("`denoise`, told", partial(methods.model, "denoise.open", told=True), told=True, own=True),
    "denoise-ensemble": Entry("`denoise`, 8 views", partial(methods.model, "denoise.open", ensemble=True), own=True),
    "denoise-small": Entry("`denoise-small`", partial(methods.model, "denoise-small.open"), own=True),
    "dejpeg": Entry("`dejpeg`", partial(methods.model, "dejpeg"), own=True),
    "dejpeg-project-true": Entry(
        "`dejpeg`, projected", partial(methods.model, "dejpeg", project=True), told=True, own=True
    ),
    "sr": Entry("`sr`", partial(methods.model, "sr"), own=True),
    "sr-ensemble": Entry("`sr`, 8 views", partial(methods.model, "sr", ensemble=True), own=True),
    "deblur": Entry("`deblur`", partial(methods.model, "deblur"), own=True),
    "deblur-untold": Entry("`deblur`, kernel not told", methods.untold, own=True),
    "lowlight": Entry("`lowlight`", partial(methods.model, "lowlight"), own=True),
    "lowlight-denoise-false": Entry(
        "`lowlight`, noise left", partial(methods.model, "lowlight", denoise=False), own=True
    ),
} | {
    f"{name}-mean-{count}": Entry(f"`{name}`, {words}", partial(methods.model, tagged, samples=count), own=True)
    for name, tagged in ((name, OPEN.get(name, name)) for name in _DRAWING)
    for count, words in ((1, "one sample"), (16, "mean of 16"))
}


@dataclass(frozen=True)
class Suite:
    """A task on a test set.

    Attributes:
        task: Its name.
        data: The set's name.
        pictures: How many the set has.
        methods: Names of those that can do it.
        gray: Whether the pictures are read as luma.
        camera: Whether the noise is that of `camera_file`, in place of the task's own damage.
    """

    task: str
    data: str
    pictures: int
    methods: tuple[str, ...]
    gray: bool = False
    camera: bool = False

    @property
    def name(self) -> str:
        """What the records call it."""
        if self.camera:
            return f"camera:{self.data}"
        return self.data if self.task == "denoise" else f"{self.task}:{self.data}"

    def example(self, x: Tensor, level: float, index: int) -> Example:
        """Returns a clean picture (1, C, H, W) of the set, damaged."""
        if self.camera:
            return Example(x, camera_file(x, level, index), self.protocol())
        return self.protocol.example(x, level, index)

    @property
    def protocol(self) -> type[Task]:
        """How its pictures are damaged and compared."""
        return task_class(self.task)

    @property
    def own(self) -> str:
        """Name of the model of this zoo that the others are held against."""
        return self.protocol.model.partition(".")[0]


_COLOUR = ("noisy", "nlm", "wavelet", "tv")
_GRAY = ("noisy", "nlm", "wavelet-gray", "tv")
_OWN = ("denoise-small", "denoise", "denoise-told")
_JPEG = ("jpeg", "tv-jpeg", "dncnn-3", "dejpeg", "dejpeg-project-true")
_KERNEL = ("blurred", "wiener", "richardson-lucy", "deblur-untold", "denoise")
_SHARPEN = ("blurred", "unsharp", "deblur")
_LIGHT = ("dark", "gamma", "clahe", "equalise", "exposed", "lowlight-denoise-false", "lowlight")
_ENLARGE = ("bicubic", "lanczos", "dncnn-3", "imdn", "pan", "sr", "sr-ensemble")


def _samples(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}-mean-{count}" for name in names for count in (1, 16))


SUITES = (
    Suite(
        "denoise", "kodak24", 24, (*_COLOUR, "bm3d", "cdncnn-b", "ffdnet", *_OWN, *_samples("denoise-small", "denoise"))
    ),
    Suite("denoise", "cbsd68", 68, (*_COLOUR, "ffdnet", *_OWN)),
    Suite(
        "denoise",
        "set12",
        12,
        (*_GRAY, "bm3d-gray", "dncnn", "dncnn-b", "ffdnet-gray", *_OWN, "denoise-ensemble"),
        gray=True,
    ),
    Suite("denoise", "bsd68", 68, (*_GRAY, "ffdnet-gray", *_OWN, "denoise-ensemble"), gray=True),
    Suite("denoise", "kodak24", 24, ("noisy", "nlm", "ffdnet", "denoise"), camera=True),
    Suite("dejpeg", "classic5", 5, (*_JPEG, *_samples("dejpeg")), gray=True),
    Suite("sr", "set5", 5, (*_ENLARGE, *_samples("sr"))),
    Suite("sr", "set14", 14, _ENLARGE),
    Suite("deblur", "set5", 5, _KERNEL),
    Suite("deblur", "bsd68", 68, _KERNEL, gray=True),
    Suite("blind-deblur", "kodak24", 24, (*_SHARPEN, *_samples("deblur"))),
    Suite("lowlight", "kodak24", 24, _LIGHT),
)
"""BM3D and DnCNN are left out where they would take hours."""
