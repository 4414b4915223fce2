"""The posterior of a level: its prior with a correction."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.core import LOGVAR_MAX, LOGVAR_MIN, DiagonalGaussian, Revision, bound_logvar, unbound_logvar

REVISION = 2
"""Revision. Since 2 the correction is added to the prior's raw log-variance; in 1 the bound was applied twice."""

_EDGE = 1e-3
"""Smallest distance of a log-variance from its bounds for unbinding. At the bound, the raw number is infinite."""


def corrected(prior: DiagonalGaussian, mean: Tensor, logvar: Tensor, revision: Revision) -> DiagonalGaussian:
    """Returns N(μ + Δμ, σ²), where log σ² is the bound of the prior's raw log-variance plus Δ.

    If both corrections are zero, it equals the prior, and the rate is zero.

    Args:
        prior: Prior p(z|h) of the level, with a bounded log-variance.
        mean: Correction Δμ, of the shape of the prior's mean.
        logvar: Correction Δ of the raw log-variance, of the same shape.
        revision: Revision of the level's weights. Revision 1 bounds the prior's already *bounded* log-variance plus Δ,
            so that the posterior differs from the prior even if Δ is zero.

    Source: NVAE (Vahdat and Kautz, 2020), section 3.2, arXiv:2007.03898.
    """
    bounded = prior.logvar.to(torch.promote_types(prior.logvar.dtype, torch.float32))
    raw = unbound_logvar(bounded.clamp(LOGVAR_MIN + _EDGE, LOGVAR_MAX - _EDGE))
    start = torch.where(revision.number > 1, raw, bounded)
    return DiagonalGaussian(prior.mean + mean, bound_logvar(start + logvar).to(prior.logvar.dtype))
