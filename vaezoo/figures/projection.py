"""A map of latents by their first two principal components, coloured by label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from vaezoo.core import VAE
from vaezoo.errors import ConfigError
from vaezoo.evaluate.data import Data, Trial, evaluating
from vaezoo.figures.subject import Cond, check_number, to_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#222222")
"""Colours that can be told apart with any colour vision: the scheme "muted", with black instead of pale grey.

Source: Colour Schemes (Tol, 2021), technical note SRON/EPS/TN/09-002.
"""
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
_DPI = 150


@final
@dataclass(frozen=True)
class Projection:
    """Points in the plane, with the share of variance that they show.

    Attributes:
        points: Points (N, 2) float64: centred latents along the two directions of largest variance.
        directions: Unit vectors (2, D). The largest component of each is positive.
        explained: Share of the variance along each direction, (2,).
        labels: Labels int64 (N,), or None.
    """

    points: Tensor
    directions: Tensor
    explained: Tensor
    labels: Tensor | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """Content of the figure, for programs."""
        counts = {} if self.labels is None else dict(zip(*_counts(self.labels), strict=True))
        return {
            "images": len(self.points),
            "latents": self.directions.shape[1],
            "explained_variance": self.explained.tolist(),
            "labels": {str(label): count for label, count in counts.items()},
        }

    def draw(self) -> Figure:
        """Draws the points with a legend of the labels. Each label is also written at the median of its points."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 4.4), dpi=_DPI, layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        numbers = [] if self.labels is None else _counts(self.labels)[0]
        size = max(2.0, min(14.0, 9000 / max(1, len(self.points))))
        if self.labels is None or not numbers:
            across, up = self.points.T.numpy()
            axes.scatter(across, up, s=size, color=COLOURS[0], linewidths=0, alpha=0.7)
        for index, number in enumerate(numbers):
            own = self.points[self.labels == number]
            colour, marker = style_of(index)
            across, up = own.T.numpy()
            axes.scatter(across, up, s=size, color=colour, marker=marker, label=str(number), linewidths=0, alpha=0.7)
        for index, number in enumerate(numbers):  # after all points, so that texts are on top
            across, up = self.points[self.labels == number].median(0).values.tolist()
            box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": style_of(index)[0], "lw": 1.5, "alpha": 0.9}
            axes.annotate(str(number), (across, up), fontsize=8, ha="center", va="center", bbox=box)
        if numbers:
            legend = axes.legend(
                title="label", fontsize=8, title_fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False,
                markerscale=(30 / size) ** 0.5, handletextpad=0.2, ncols=-(-len(numbers) // 20),
            )  # fmt: skip
            for handle in legend.legend_handles:
                if handle is not None:
                    handle.set_alpha(1)
        shares = [f"{100 * share:.1f} % of the variance" for share in self.explained.tolist()]
        axes.set_xlabel(f"first principal component, {shares[0]}", fontsize=8)
        axes.set_ylabel(f"second principal component, {shares[1]}", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def style_of(index: int) -> tuple[str, str]:
    """Returns colour and marker of the index-th label. Colours repeat with other markers."""
    return COLOURS[index % len(COLOURS)], MARKERS[index // len(COLOURS) % len(MARKERS)]


def principal_components(values: Tensor) -> Projection:
    """Projects rows (N, D) onto their first two principal components. If D is 1, the second is 0.

    Raises:
        ConfigError: There are fewer than three rows, or all are equal.
    """
    check_number("images", len(values), 3)
    centred = values.double().cpu() - values.double().cpu().mean(0)
    _, scales, directions = torch.linalg.svd(centred, full_matrices=False)
    variance = scales.square()
    if not float(variance.sum()) > 0:
        raise ConfigError("All images have the same latents, so there is nothing to draw.", value=len(values))
    if values.shape[1] < 2:
        directions, variance = (torch.nn.functional.pad(each, (0, 1)) for each in (directions, variance))
        directions = torch.cat([directions, torch.tensor([[0.0, 1.0]], dtype=torch.float64)])
        centred = torch.nn.functional.pad(centred, (0, 1))
    two = directions[:2]
    largest = two.gather(1, two.abs().argmax(1, keepdim=True))
    two = two * torch.sign(largest)
    return Projection(centred @ two.T, two, variance[:2] / variance.sum())


@torch.no_grad()
def latents(
    model: VAE,
    images: Tensor,
    *,
    labels: Tensor | None = None,
    cond: Cond | None = None,
    max_mib: float = 512,
) -> Projection:
    """Projects the latents of images, at the posterior's centre, onto their first two principal components.

    The latents of all cells and levels are concatenated without scaling, so a level with large values has more weight.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        images: Images (N, C, H, W) in [0, 1], N at least 3.
        labels: Class of each image, int64 (N,).
        cond: Conditions, one row per image.
        max_mib: Bound on the networks' simultaneous outputs, in MiB.

    Raises:
        ConfigError: There are fewer than three images, all have the same latents, or the number of labels differs.
        ShapeError: The model cannot take the images.
        IncompatibleParts: The model has no encoder.
    """
    check_number("images", len(images), 3)
    told = {name: to_model(model, rows) for name, rows in (cond or {}).items()}
    data = Data(to_model(model, images), labels, cond=told)
    with evaluating(model):
        codes = Trial(model, data, samples=1, seed=0, max_mib=max_mib, batch=500).codes()
    found = principal_components(codes)
    return Projection(found.points, found.directions, found.explained, labels if labels is None else labels.cpu())


def _counts(labels: Tensor) -> tuple[list[int], list[int]]:
    numbers, counts = labels.unique(return_counts=True)
    return numbers.tolist(), counts.tolist()
