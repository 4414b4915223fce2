"""A Riemannian metric G of the latent space. Its inverse is large near learned centroids."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn


@final
class CentroidMetric(nn.Module):
    """G⁻¹(z) = Σ_i L_i·L_iᵀ·exp(−|z − c_i|²/T²) + λ·I.

    Args:
        latent_channels: Number of latent channels D.
        centroids: Number C of centroids. Their positions c_i and lower triangular L_i are learned.
        temperature: Reach T of a centroid.
        floor: Constant λ.

    Source: Data Generation in Low Sample Size Setting Using Manifold Sampling and a Geometry-Aware VAE (Chadebec and
    Allassonnière, 2021), arXiv:2103.13751; Geometry-Aware Hamiltonian Variational Auto-Encoder (Chadebec et al., 2020),
    arXiv:2010.11518.
    """

    def __init__(self, latent_channels: int, centroids: int, temperature: float, floor: float) -> None:
        super().__init__()
        self.temperature, self.floor = temperature, floor
        self.centroids = nn.Parameter(torch.randn(centroids, latent_channels))
        self.factors = nn.Parameter(
            0.3 * torch.eye(latent_channels) + 0.05 * torch.randn(centroids, latent_channels, latent_channels)
        )

    def inverse(self, z: Tensor) -> Tensor:
        """Returns G⁻¹(z), (..., D) to (..., D, D), symmetric and at least λ."""
        lower = torch.tril(self.factors.float())
        near = torch.exp(-(z.unsqueeze(-2) - self.centroids.float()).square().sum(-1) / self.temperature**2)
        with torch.autocast(z.device.type, enabled=False):  # log det G is part of a density
            whole = torch.einsum("...c,cij->...ij", near, lower @ lower.mT)
        return whole + self.floor * torch.eye(z.shape[-1], device=z.device, dtype=z.dtype)
