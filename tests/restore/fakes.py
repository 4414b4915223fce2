"""Small models with the interface that the restorer needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from vaezoo.image import upscale
from vaezoo.image.damage.light import from_linear, to_linear


class Smoother(nn.Module):
    """Blurs over 5 pixels after padding to its stride of 4; its scale is the distance to the input."""

    def __init__(self, channels: int = 3, size: tuple[int, int] | None = None, scaled: bool = True) -> None:
        super().__init__()
        self.channels, self.stride, self.size, self.scaled = channels, 4, size, scaled
        self.weight = nn.Parameter(torch.full((channels, 1, 5, 5), 1 / 25))
        self.seen: list[tuple[int, ...]] = []

    def restore(self, y: Tensor) -> SimpleNamespace:
        self.seen.append(tuple(y.shape))
        height, width = y.shape[-2:]
        padded = nn.functional.pad(y, (0, -width % 4, 0, -height % 4), mode="replicate")
        smooth = nn.functional.conv2d(padded, self.weight, padding=2, groups=self.channels)
        image = smooth[..., :height, :width].clamp(0, 1)
        return SimpleNamespace(image=image, scale=(image - y).abs() if self.scaled else None)


class Copier(nn.Module):
    """Gives what it gets, and no scale; remembers what it was told of the noise."""

    channels, stride, size = 3, 4, None

    def __init__(self) -> None:
        super().__init__()
        self.conditioner = SimpleNamespace(takes=("sigma",))
        self.told: list[Tensor] = []

    def restore(self, y: Tensor, cond: Mapping[str, Tensor] | None = None) -> SimpleNamespace:
        self.told += [] if cond is None else [cond["sigma"]]
        return SimpleNamespace(image=y.clamp(0, 1), scale=None)


class Halver(Copier):
    """Gives half of what it gets."""

    def restore(self, y: Tensor, cond: Mapping[str, Tensor] | None = None) -> SimpleNamespace:
        return SimpleNamespace(image=super().restore(y, cond).image / 2, scale=None)


class Shifter(Copier):
    """Makes everything lighter by 0.05."""

    def restore(self, y: Tensor, cond: Mapping[str, Tensor] | None = None) -> SimpleNamespace:
        return SimpleNamespace(image=(super().restore(y, cond).image + 0.05).clamp(0, 1), scale=None)


class Enlarger(nn.Module):
    """Enlarges bicubically by the factor that it is told; its scale is 0.1 times the factor. Remembers what it saw."""

    channels, stride, size = 3, 4, None

    def __init__(self, factors: tuple[int, ...] = (2, 3, 4)) -> None:
        super().__init__()
        self.conditioner = SimpleNamespace(takes=("factor",), enlarges=factors)
        self.seen: list[tuple[int, tuple[int, int]]] = []

    def restore(self, y: Tensor, cond: Mapping[str, Tensor], samples: int = 0, noise: object = None) -> SimpleNamespace:
        factor = int(cond["factor"][0])
        self.seen.append((factor, (y.shape[2], y.shape[3])))
        image = upscale(y, factor).clamp(0, 1)
        scale = torch.full_like(image, 0.1 * factor)
        if not samples:
            return SimpleNamespace(image=image, scale=scale)
        return SimpleNamespace(image=image, scale=scale, average=image, spread=scale / 2)


class Brightener(nn.Module):
    """Gives the whole picture the mean light 0.2; its samples are as many halves and doubles of that."""

    channels, stride, size = 3, 1, None

    def __init__(self) -> None:
        super().__init__()
        self.conditioner = SimpleNamespace(takes=("whole",))
        self.told: list[Tensor] = []

    def restore(self, y: Tensor, cond: Mapping[str, Tensor], samples: int = 0, noise: object = None) -> SimpleNamespace:
        self.told.append(cond["whole"])
        gain = 0.2 / to_linear(cond["whole"].clamp(0, 1)).mean()
        image, low, high = (from_linear(f * gain * to_linear(y.clamp(0, 1))).clamp(0, 1) for f in (1.0, 0.5, 2.0))
        scale = torch.full_like(image, 0.03)
        if not samples:
            return SimpleNamespace(image=image, scale=scale)
        return SimpleNamespace(image=image, scale=scale, average=(low + high) / 2, spread=(high - low) / 2)


class Hungry(Smoother):
    """Runs out of memory above a number of pixels."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def restore(self, y: Tensor) -> SimpleNamespace:
        if y.shape[-2] * y.shape[-1] > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return super().restore(y)
