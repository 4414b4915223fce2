"""The vocabulary of a variational autoencoder: beliefs, the four slots, and the one class that joins them.

Imports torch and itself only, and torch only when a name that needs it is first used: ``vaezoo.core.facts``
stays light. No file, plugin or configuration format is known here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conditioner import Conditioner as Conditioner
    from .conditioner import ImageConditioner as ImageConditioner
    from .conditioner import LabelConditioner as LabelConditioner
    from .context import Batch as Batch
    from .context import Context as Context
    from .covariance import FullGaussian as FullGaussian
    from .decoder import Decoder as Decoder
    from .decoder import LikelihoodHead as LikelihoodHead
    from .encoder import Encoder as Encoder
    from .ladder import LadderPrior as LadderPrior
    from .ladder import Level as Level
    from .latents import Latents as Latents
    from .likelihood import Bernoulli as Bernoulli
    from .likelihood import ContinuousBernoulli as ContinuousBernoulli
    from .likelihood import Gaussian as Gaussian
    from .likelihood import Laplace as Laplace
    from .likelihood import Likelihood as Likelihood
    from .likelihood import LikelihoodKind as LikelihoodKind
    from .likelihood import LogCosh as LogCosh
    from .likelihood import LogisticMixture as LogisticMixture
    from .likelihood import OptimalGaussian as OptimalGaussian
    from .likelihood import Perceptual as Perceptual
    from .likelihood import StructuralSimilarity as StructuralSimilarity
    from .likelihood import StudentT as StudentT
    from .loss import ELBOLoss as ELBOLoss
    from .loss import Loss as Loss
    from .loss import Phase as Phase
    from .loss import Terms as Terms
    from .modulation import AdaIN as AdaIN
    from .modulation import FiLM as FiLM
    from .noise import Noise as Noise
    from .objective import Objective as Objective
    from .posterior import DiagonalGaussian as DiagonalGaussian
    from .posterior import Dirac as Dirac
    from .posterior import Posterior as Posterior
    from .posterior import Pyramid as Pyramid
    from .posterior import kl as kl
    from .prior import FlatPrior as FlatPrior
    from .prior import MixturePrior as MixturePrior
    from .prior import NormalPrior as NormalPrior
    from .prior import Prior as Prior
    from .refine import Refinement as Refinement
    from .restoration import RestorationLoss as RestorationLoss
    from .results import Bound as Bound
    from .results import Restored as Restored
    from .shapes import pad_to_stride as pad_to_stride
    from .shapes import repeat_rows as repeat_rows
    from .vae import VAE as VAE

_HOME = {
    "conditioner": ("Conditioner", "ImageConditioner", "LabelConditioner"),
    "context": ("Batch", "Context"),
    "covariance": ("FullGaussian",),
    "decoder": ("Decoder", "LikelihoodHead"),
    "encoder": ("Encoder",),
    "ladder": ("LadderPrior", "Level"),
    "latents": ("Latents",),
    "likelihood": (
        "Bernoulli",
        "ContinuousBernoulli",
        "Gaussian",
        "Laplace",
        "Likelihood",
        "LikelihoodKind",
        "LogCosh",
        "LogisticMixture",
        "OptimalGaussian",
        "Perceptual",
        "StructuralSimilarity",
        "StudentT",
    ),
    "loss": ("ELBOLoss", "Loss", "Phase", "Terms"),
    "modulation": ("AdaIN", "FiLM"),
    "noise": ("Noise",),
    "objective": ("Objective",),
    "posterior": ("DiagonalGaussian", "Dirac", "Posterior", "Pyramid", "kl"),
    "prior": ("FlatPrior", "MixturePrior", "NormalPrior", "Prior"),
    "refine": ("Refinement",),
    "restoration": ("RestorationLoss",),
    "results": ("Bound", "Restored"),
    "shapes": ("pad_to_stride", "repeat_rows"),
    "vae": ("VAE",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(_MODULE)


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
