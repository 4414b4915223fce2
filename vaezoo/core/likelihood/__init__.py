"""Beliefs about an image: what a decoder returns. Rows are K·B, the target has B."""

from __future__ import annotations

from .base import Likelihood, by_sample, cropped
from .continuous import ContinuousBernoulli
from .density import check_density
from .kind import LikelihoodKind, corrected, known
from .levels import LogisticMixture
from .perceptual import FixedFeatures, LayerFeatures, Perceptual, PerceptualKind
from .pixelwise import Bernoulli, Gaussian, Laplace, OptimalGaussian
from .pseudo import LogCosh
from .structure import StructuralSimilarity
from .student import StudentT

__all__ = [
    "Bernoulli",
    "ContinuousBernoulli",
    "FixedFeatures",
    "Gaussian",
    "Laplace",
    "LayerFeatures",
    "Likelihood",
    "LikelihoodKind",
    "LogCosh",
    "LogisticMixture",
    "OptimalGaussian",
    "Perceptual",
    "PerceptualKind",
    "StructuralSimilarity",
    "StudentT",
    "by_sample",
    "check_density",
    "corrected",
    "cropped",
    "known",
]
