"""Structural similarity, at one scale or several, as a pseudo-likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind, corrected
from vaezoo.errors import ConfigError

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def scales_of(height: int, width: int, most: int = len(SCALE_WEIGHTS)) -> int:
    """Returns the number of scales, each half of the last, at which the window fits. At least 1: the window shrinks."""
    side, scales = min(height, width), 1
    while scales < most and side // 2 >= WINDOW:
        side, scales = side // 2, scales + 1
    return scales


def similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns SSIM and its contrast-structure part, each the mean over windows and channels.

    The Gaussian window has a side of 11 pixels and σ 1.5. On a smaller image it has the largest odd side that fits.

    Args:
        a: Images (N, C, H, W) in [0, 1].
        b: Images of the same shape.

    Returns:
        (N,) each, at most 1.

    Source: Image Quality Assessment: From Error Visibility to Structural Similarity (Wang et al., 2004), eq. 13.
    """
    channels, side = a.shape[1], min(WINDOW, *a.shape[2:])
    side -= 1 - side % 2
    place = torch.arange(side, device=a.device, dtype=a.dtype) - side // 2
    line = torch.softmax(-(place**2) / (2 * SIGMA**2), 0)
    window = torch.outer(line, line).expand(channels, 1, side, side)
    stack = torch.cat([a, b, a * a, b * b, a * b])
    mean_a, mean_b, aa, bb, ab = F.conv2d(stack, window, groups=channels).chunk(5)
    contrast = (2 * (ab - mean_a * mean_b) + C2) / (aa - mean_a**2 + bb - mean_b**2 + C2)
    light = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return (light * contrast).flatten(1).mean(1), contrast.flatten(1).mean(1)


def multiscale_similarity(a: Tensor, b: Tensor, scales: int) -> Tensor:
    """Returns MS-SSIM, (N,): Π of ((1+c_i)/2)^w_i over scales, with SSIM in place of c at the coarsest.

    (1+c)/2 instead of c avoids powers of negative numbers, as in the code that pythae's MSSSIM_VAE uses. With fewer
    than five scales, the first weights are used and normalised to sum 1.

    Source: Multiscale structural similarity for image quality assessment (Wang et al., 2003), eq. 7.
    """
    weights = [w / sum(SCALE_WEIGHTS[:scales]) for w in SCALE_WEIGHTS[:scales]]
    product = torch.ones(a.shape[0], device=a.device, dtype=a.dtype)
    for index, weight in enumerate(weights):
        whole, contrast = similarity(a, b)
        part = whole if index == scales - 1 else contrast
        product = product * ((1 + part) / 2).clamp_min(1e-6) ** weight
        if index < scales - 1:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return product


@final
@dataclass(frozen=True)
class StructuralSimilarity(Likelihood):
    """−weight·D·(1 − similarity) for the D values of an image.

    Args:
        image: Image (K·B, C, H, W).
        weight: Cost of a wholly dissimilar value, in place of nats.
        scales: Largest number of scales. 1 is SSIM.

    Source: Learning to Generate Images with Perceptual Similarity Metrics (Snell et al., 2015), arXiv:1511.06409.
    """

    normalised: ClassVar[bool] = False
    image: Tensor
    weight: float = 1.0
    scales: int = 5

    @property
    def scale(self) -> None:
        """None, since it is no density."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns pseudo-nats; see :meth:`Likelihood.log_prob`."""
        rows = by_sample(self.image, x)
        a, b = rows.flatten(0, 1), x.float().expand_as(rows).flatten(0, 1)
        if self.scales == 1:
            likeness = similarity(a, b)[0]
        else:
            likeness = multiscale_similarity(a, b, scales_of(x.shape[2], x.shape[3], self.scales))
        return self.weight * x[0].numel() * (likeness - 1).view(rows.shape[:2])

    def crop(self, size: tuple[int, int]) -> StructuralSimilarity:
        """See :meth:`Likelihood.crop`."""
        return replace(self, image=cropped(self.image, size))


def _check_weight(weight: float) -> float:
    if not weight > 0:
        raise ConfigError(f"Expected a weight above 0, got {weight}.", value=weight)
    return weight


@final
class SSIMKind(LikelihoodKind):
    """``ssim``: features are logits of the image.

    Args:
        weight: Cost of a wholly dissimilar value, above 0; see :class:`StructuralSimilarity`.

    Raises:
        ConfigError: ``weight`` is not above 0.
    """

    gives = StructuralSimilarity

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = _check_weight(weight)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> StructuralSimilarity:
        """See :meth:`LikelihoodKind.forward`."""
        return StructuralSimilarity(_picture(features, base), self.weight, 1)


@final
class MSSSIMKind(LikelihoodKind):
    """``ms-ssim``: features are logits of the image.

    Args:
        weight: Cost of a wholly dissimilar value, above 0; see :class:`StructuralSimilarity`.
        scales: Largest number of scales, 2 to 5. Small images have fewer; see :func:`scales_of`.

    Raises:
        ConfigError: ``weight`` is not above 0, or ``scales`` is out of range.
    """

    gives = StructuralSimilarity

    def __init__(self, weight: float = 1.0, scales: int = 5) -> None:
        super().__init__()
        if not 2 <= scales <= len(SCALE_WEIGHTS):
            raise ConfigError(f"Expected 2 to {len(SCALE_WEIGHTS)} scales, got {scales}.", value=scales)
        self.weight, self.most = _check_weight(weight), scales

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> StructuralSimilarity:
        """See :meth:`LikelihoodKind.forward`."""
        return StructuralSimilarity(_picture(features, base), self.weight, self.most)


def _picture(features: Tensor, base: Tensor | None) -> Tensor:
    """Returns the image. SSIM needs pixels in [0, 1], so without a base a sigmoid keeps them there."""
    return torch.sigmoid(features) if base is None else corrected(features, base)
