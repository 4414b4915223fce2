"""Names of the likelihoods that a decoder accepts, without torch.

A name is in the table below, or is declared under ``likelihoods`` of a registry file or by
`vaezoo.register_likelihood`. In code it may also be ``package.module:Class``. All may have options:
``student-t(nu=4)``, ``poisson-gaussian(gain=0.01)``.
"""

from __future__ import annotations

from typing import Any

from vaezoo.core.choice import parse_choice
from vaezoo.lookup import FINDERS, check_reference

_HERE = "vaezoo.core.likelihood"
KINDS = {
    "bernoulli": f"{_HERE}.pixelwise:BernoulliKind",
    "gaussian": f"{_HERE}.pixelwise:GaussianKind",
    "optimal-gaussian": f"{_HERE}.pixelwise:OptimalGaussianKind",
    "laplace": f"{_HERE}.pixelwise:LaplaceKind",
    "student-t": f"{_HERE}.student:StudentTKind",
    "continuous-bernoulli": f"{_HERE}.continuous:ContinuousBernoulliKind",
    "logistic-mixture": f"{_HERE}.levels:LogisticMixtureKind",
    "log-cosh": f"{_HERE}.pseudo:LogCoshKind",
    "ssim": f"{_HERE}.structure:SSIMKind",
    "ms-ssim": f"{_HERE}.structure:MSSSIMKind",
    "perceptual": f"{_HERE}.perceptual:PerceptualKind",
}
"""Class of each kind in the core, a :class:`vaezoo.core.LikelihoodKind`."""

PSEUDO = frozenset({"optimal-gaussian", "log-cosh", "ssim", "ms-ssim", "perceptual"})
"""Kinds whose ``log_prob`` is not a density of x."""


def parse_kind(likelihood: str) -> tuple[str, dict[str, Any]]:
    """Parses a likelihood into its name and options: ``student-t(nu=4)`` is ``("student-t", {"nu": 4})``.

    Raises:
        ConfigError: The likelihood is unknown, or its options are not ``key=value`` with plain values.
    """
    name, options = parse_choice(likelihood, "likelihood")
    kind_target(name)
    return name, options


def kind_target(name: str) -> Any:
    """Returns a kind's class as ``package.module:Class``, or the class itself if it was registered as one.

    Raises:
        ConfigError: The likelihood is unknown, or a file names code that no plugin declares.
    """
    if name in KINDS:
        return KINDS[name]
    if ":" not in name:
        return FINDERS["likelihood"](name)
    check_reference(name)
    return name
