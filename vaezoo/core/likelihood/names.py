"""The names of likelihoods that a decoder takes, without torch.

``likelihood`` is a name of the table, or one that is declared as ``likelihoods`` of a registry file or by
`vaezoo.register_likelihood`; in code also a class as ``package.module:Class``. All may carry options:
``student-t(nu=4)``, ``poisson-gaussian(gain=0.01)``.
"""

from __future__ import annotations

from typing import Any

from vaezoo.core.choice import parse_choice
from vaezoo.lookup import FINDERS

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
"""The class of each of the core's own kinds, a :class:`vaezoo.core.LikelihoodKind`."""

PSEUDO = frozenset({"optimal-gaussian", "log-cosh", "ssim", "ms-ssim", "perceptual"})
"""The kinds whose ``log_prob`` is no density of x."""


def parse_kind(likelihood: str) -> tuple[str, dict[str, Any]]:
    """Returns a likelihood's name and its options: ``student-t(nu=4)`` is ``("student-t", {"nu": 4})``.

    Raises:
        ConfigError: There is no likelihood of that name, or its options are not ``key=value`` with plain values.
    """
    name, options = parse_choice(likelihood, "likelihood")
    kind_target(name)
    return name, options


def kind_target(name: str) -> Any:
    """Returns a kind's class as ``package.module:Class``, or the class itself where it was registered so.

    Raises:
        ConfigError: There is no likelihood of that name.
    """
    if name in KINDS:
        return KINDS[name]
    return name if ":" in name else FINDERS["likelihood"](name)
