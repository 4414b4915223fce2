"""Penalties on the networks: the decoder's parameters, or the slope of decoder or encoder.

The squared Frobenius norm of a Jacobian J is E‖Jᵀv‖² over random signs v (Hutchinson), or exactly Σ_d ‖Jᵀe_d‖². Both
can be differentiated again, also under no_grad.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Phase, Terms, sum_rows
from vaezoo.core.facts import accepts_keywords

from .facts import ContractiveLossConfig, RAEGradientLossConfig, RAEWeightsLossConfig
from .losses import reconstruction, reports_of


def squared_slope(outputs: Tensor, inputs: Tensor, probes: int) -> Tensor:
    """Returns ‖∂outputs/∂inputs‖², summed over all elements of each row: rows (B, ...) to (B,).

    Args:
        outputs: Outputs. Each row depends on the same row of ``inputs`` only.
        inputs: Inputs, which require a gradient.
        probes: Number of random sign vectors, from torch's generator, to average over. 0 is exact, with a backward pass
            for each output of a row.
    """
    with torch.enable_grad():
        flat = outputs.flatten(1)
        if probes:
            directions = list((torch.randint(0, 2, (probes, *flat.shape), device=flat.device) * 2 - 1).to(flat))
        else:
            directions = list(torch.eye(flat.shape[1]).to(flat)[:, None].expand(-1, *flat.shape))
        slopes = [torch.autograd.grad(flat, inputs, v, create_graph=True)[0] for v in directions]
        squares = torch.stack([sum_rows(slope**2) for slope in slopes])
    return squares.mean(0) if probes else squares.sum(0)


def half_square(z: Tensor) -> Tensor:
    """Returns the mean over images of ½‖z‖², for latents (B, ...)."""
    return 0.5 * sum_rows(z**2).mean()


@final
class RAEWeightsLoss(Loss):
    """RAE-L2: D + latent_weight · ½‖z‖² + decoder_weight · ‖decoder's parameters‖².

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: From Variational to Deterministic Autoencoders (Ghosh et al., 2020), section 3, arXiv:1903.12436. The
    defaults are 1e-4 and 1e-7 beside a squared error, which a Gaussian of scale 0.1 multiplies by 50.
    """

    @accepts_keywords(RAEWeightsLossConfig)
    def __init__(self, config: RAEWeightsLossConfig) -> None:
        super().__init__()
        self.latent_weight, self.decoder_weight = config.latent_weight, config.decoder_weight

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        size = half_square(bound.latents.z[0][0])
        weights = torch.stack([p.float().square().sum() for p in model.decoder.parameters()]).sum()
        loss = reconstruction(model, bound) + self.latent_weight * size + self.decoder_weight * weights
        return Terms(loss, reports_of(bound, latent_size=size, decoder_size=weights))


@final
class RAEGradientLoss(Loss):
    """RAE-GP: D + latent_weight · ½‖z‖² + gradient_weight · ‖∂x̂/∂z‖², the slope of the mean image.

    The slope is estimated by random signs over the pixels. It is that of the decoder only: the latents are held fixed.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: From Variational to Deterministic Autoencoders (Ghosh et al., 2020), section 3, arXiv:1903.12436.
    """

    @accepts_keywords(RAEGradientLossConfig)
    def __init__(self, config: RAEGradientLossConfig) -> None:
        super().__init__()
        self.latent_weight = config.latent_weight
        self.gradient_weight = config.gradient_weight
        self.probes = config.probes

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        size = half_square(bound.latents.z[0][0])
        with torch.enable_grad():
            state = bound.latents.state.detach().requires_grad_()
            image = model.decoder(state, bound.context).image
        slope = squared_slope(image, state, self.probes).mean()
        loss = reconstruction(model, bound) + self.latent_weight * size + self.gradient_weight * slope
        return Terms(loss, reports_of(bound, latent_size=size, decoder_slope=slope))


@final
class ContractiveLoss(Loss):
    """D + weight · ‖∂z/∂x‖²: latents that change little when the image does.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Contractive Auto-Encoders (Rifai et al., 2011), eq. 3. Here the slope is that of the whole encoder.
    """

    @accepts_keywords(ContractiveLossConfig)
    def __init__(self, config: ContractiveLossConfig) -> None:
        super().__init__()
        self.weight, self.probes = config.weight, config.probes

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        with torch.enable_grad():
            seen = (batch.y if model.encodes == "input" else batch.target).detach().requires_grad_()
            bound = model(
                replace(batch, y=seen, x=batch.target) if model.encodes == "input" else replace(batch, x=seen)
            )
        slope = squared_slope(bound.belief.mean, seen, self.probes).mean()
        return Terms(reconstruction(model, bound) + self.weight * slope, reports_of(bound, encoder_slope=slope))
