"""A perceptual pseudo-likelihood: compares images by the features of a fixed network. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from vaezoo.core.likelihood.base import Likelihood, by_sample, cropped
from vaezoo.core.likelihood.kind import LikelihoodKind, corrected
from vaezoo.core.shapes import pad_to_stride
from vaezoo.errors import ConfigError, suggest


@final
class FixedFeatures(nn.Module):
    """Three strided convolutions with fixed random weights, the same in every process. They are never trained.

    Random layers respond to edges and their arrangement, not to objects. For more, use the :class:`LayerFeatures` of a
    trained network.

    Args:
        channels: Image channels C.
        widths: Number of channels of each layer.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (16, 32, 64)) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for index, (inputs, outputs) in enumerate(pairwise([channels, *widths])):
            weight = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / (9 * inputs)) ** 0.5
            self.register_buffer(f"weight{index}", weight)
        self.layers = len(widths)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs of the layers for images (N, C, H, W), at 1/2, 1/4 and 1/8 of their size."""
        features = []
        for index in range(self.layers):
            weight: Tensor = getattr(self, f"weight{index}")
            image = nn.functional.relu(nn.functional.conv2d(image, weight.to(image.dtype), stride=2, padding=1))
            features.append(image)
        return tuple(features)


@final
class LayerFeatures(nn.Module):
    """Outputs of chosen layers of a network, such as ``vaezoo.create(...).encoder.stages``. Freezes the network.

    Args:
        network: Network that takes images (N, C, H, W).
        layers: Names of its submodules, as in ``named_modules``.
        stride: Pixels that sides of images are padded to a multiple of.

    Raises:
        ConfigError: The network has no such layer.
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], stride: int = 1) -> None:
        super().__init__()
        names = [name for name, _ in network.named_modules() if name]
        for layer in layers:
            if layer not in names:
                raise ConfigError(f"The network has no layer {layer!r}.", hint=suggest(layer, names), value=layer)
        self.network, self.names, self.stride = network.eval().requires_grad_(False), tuple(layers), stride

    def train(self, mode: bool = True) -> LayerFeatures:
        """Stays in evaluation mode."""
        return super().train(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs of the chosen layers, in their order."""
        found: dict[str, Tensor] = {}
        handles = [
            self.network.get_submodule(name).register_forward_hook(
                lambda module, args, output, name=name: found.__setitem__(name, output)
            )
            for name in self.names
        ]
        try:
            self.network(pad_to_stride(image, self.stride))
        finally:
            for handle in handles:
                handle.remove()
        return tuple(found[name] for name in self.names)


@final
@dataclass(frozen=True)
class Perceptual(Likelihood):
    """−½·weight·D·(pixels · mean e² + Σ over layers of the mean squared distance of features).

    Args:
        image: Mean image (K·B, C, H, W).
        features: Function from images (N, C, H, W) to the features of each layer.
        weight: Weight, in the place of 1/σ².
        pixels: Weight of the squared pixel error beside the layers. The paper has 0.

    Source: Deep Feature Consistent Variational Autoencoder (Hou et al., 2016), arXiv:1610.00291.
    """

    normalised: ClassVar[bool] = False
    image: Tensor
    features: nn.Module
    weight: float = 100.0
    pixels: float = 0.5

    @property
    def scale(self) -> None:
        """None, since it is no density."""
        return None

    def log_prob(self, x: Tensor) -> Tensor:
        """Returns pseudo-nats; see :meth:`Likelihood.log_prob`."""
        rows = by_sample(self.image, x)
        error = self.pixels * ((rows - x.float()) ** 2).flatten(2).mean(2)
        dtype = next((t.dtype for t in self.features.parameters()), torch.float32)
        with torch.no_grad():
            wanted = self.features(x.to(dtype))
        for ours, theirs in zip(self.features(rows.flatten(0, 1).to(dtype)), wanted, strict=True):
            apart = (ours.float().unflatten(0, rows.shape[:2]) - theirs.float()) ** 2
            error = error + apart.flatten(2).mean(2)
        return -0.5 * self.weight * x[0].numel() * error

    def crop(self, size: tuple[int, int]) -> Perceptual:
        """See :meth:`Likelihood.crop`."""
        return replace(self, image=cropped(self.image, size))


@final
class PerceptualKind(LikelihoodKind):
    """``perceptual``: features are the image. :meth:`use` replaces the fixed network by another.

    Args:
        weight: Weight in the place of 1/σ²; see :class:`Perceptual`.
        pixels: Weight of the squared pixel error; see :class:`Perceptual`.

    Raises:
        ConfigError: ``weight`` is not above 0, or ``pixels`` is below 0.
    """

    gives = Perceptual

    def __init__(self, weight: float = 100.0, pixels: float = 0.5) -> None:
        super().__init__()
        if not (weight > 0 and pixels >= 0):
            raise ConfigError(
                f"Expected a weight above 0 and pixels of at least 0, got {weight} and {pixels}.",
                value=(weight, pixels),
            )
        self.weight, self.pixels = weight, pixels

    def setup(self, channels: int) -> None:
        """See :meth:`LikelihoodKind.setup`."""
        super().setup(channels)
        self.network: nn.Module = FixedFeatures(channels)

    def use(self, network: nn.Module) -> None:
        """Compares by the features of another network: ``model.decoder.head.form.use(LayerFeatures(...))``.

        The network is frozen. Its tensors go into the model's files, so call ``use`` before loading such a file.
        """
        self.network = network.eval().requires_grad_(False)

    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Perceptual:
        """See :meth:`LikelihoodKind.forward`."""
        return Perceptual(corrected(features, base), self.network, self.weight, self.pixels)
