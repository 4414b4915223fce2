"""Density and samples of a mixture of Gaussians over cells."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.core.beliefs.posterior import gaussian_log_prob


def mixture_log_prob(
    z: Tensor, log_weights: Tensor, means: Tensor, logvars: Tensor, below: Tensor | None = None
) -> Tensor:
    """Returns Σ over cells of log Σ_c w_c N(z; μ_c, L_c L_cᵀ), in nats and fp32; L_c has σ_c on its diagonal.

    Args:
        z: Latents, (K, B, D) or (K, B, D, h, w). Every cell has the same mixture.
        log_weights: Logarithm of the weights w, (C,), normalised.
        means: μ, (C, D).
        logvars: log σ², (C, D).
        below: Strictly lower triangle of L, (C, D, D); None for diagonal Gaussians.

    Returns:
        (K, B), in nats.
    """
    cells = z.float().flatten(3).movedim(2, -1) if z.dim() > 3 else z.float()  # (K, B, [cells,] D)
    if below is None:
        each = gaussian_log_prob(cells.unsqueeze(-2), means, logvars).sum(-1)
    else:
        factor = _factor(logvars, below).float()
        inverse = torch.linalg.solve_triangular(factor, torch.eye(factor.shape[-1]).to(factor), upper=False)
        eps = torch.einsum("cij,...cj->...ci", inverse, cells.unsqueeze(-2) - means.float())
        each = (gaussian_log_prob(eps, torch.zeros_like(eps), torch.zeros_like(eps)) - 0.5 * logvars.float()).sum(-1)
    log_prob = torch.logsumexp(each + log_weights.float(), -1)
    return log_prob.flatten(2).sum(2) if log_prob.dim() > 2 else log_prob


def mixture_draw(
    eps: Tensor, log_weights: Tensor, means: Tensor, logvars: Tensor, below: Tensor | None = None
) -> Tensor:
    """Turns standard normal noise into samples z. The noise's first channel chooses each cell's component.

    Noise of zeros, as at temperature 0, gives the mean of the mixture.

    Args:
        eps: Standard normal noise, (K, B, D) or (K, B, D, h, w).
        log_weights: Logarithm of the weights, (C,), normalised.
        means: μ, (C, D).
        logvars: log σ², (C, D).
        below: Strictly lower triangle of L, (C, D, D); None for diagonal Gaussians.
    """
    weights = log_weights.exp()
    if not eps.any():
        mean = (weights[:, None] * means).sum(0)
        return eps + mean.view(-1, *[1] * (eps.dim() - 3))
    # Φ of the first channel is uniform. It picks the component. Its remainder within the component's interval is
    # uniform again, and becomes that channel's noise.
    uniform = torch.special.ndtr(eps[:, :, 0].double())
    edges = weights.double().cumsum(0)
    choice = torch.searchsorted(edges[:-1].contiguous(), uniform.contiguous())
    low = edges[choice] - weights.double()[choice]
    rest = ((uniform - low) / weights.double()[choice]).clamp(1e-6, 1 - 1e-6)
    fresh = torch.cat([torch.special.ndtri(rest).to(eps).unsqueeze(2), eps[:, :, 1:]], 2)
    chosen, stds = means[choice], torch.exp(0.5 * logvars)[choice]
    if below is not None:
        turned = (_factor(logvars, below)[choice] @ fresh.movedim(2, -1)[..., None])[..., 0]
        return (chosen + turned).movedim(-1, 2)
    if eps.dim() > 3:
        chosen, stds = chosen.movedim(-1, 2), stds.movedim(-1, 2)
    return chosen + stds * fresh


def _factor(logvars: Tensor, below: Tensor) -> Tensor:
    return torch.diag_embed(torch.exp(0.5 * logvars)) + below.tril(-1)
