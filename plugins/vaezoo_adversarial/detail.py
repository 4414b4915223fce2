"""The loss that trains a prior's detail branch, with a critic that tells real detail from invented detail."""

from __future__ import annotations

from typing import NamedTuple, final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import VAE, Batch, Loss, Noise, Phase, Terms, expect_gaussian
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .critics import PatchCritic, as_judged
from .facts import DetailLossConfig

LEVEL = 1 / 255
NUDGE = 0.1
"""Size of the random steps that measure the critic's steepness, in the unit of the errors."""
CELL = 16
"""Side in pixels of the squares in which energy is compared."""


class Seen(NamedTuple):
    """Input of the critic. The unit is the predicted sd plus one grey level.

    Attributes:
        error: Error of the mean path, the clean image minus it, (B, C, H, W).
        invented: Detail that two samples of opposite noise add to it, (2·B, C, H, W), with the sample index slow.
        place: Mean path and logarithm of the unit, as the critic's condition, (B, 2·C, H, W).
    """

    error: Tensor
    invented: Tensor
    place: Tensor


@final
class DetailLoss(Loss):
    """Trains a prior's detail branch, and nothing else of the model, to invent detail like that of photos.

    Let m be the image of the mean path, s its scale, x the clean image, and x± two samples of opposite noise. A patch
    critic c sees the missing detail r = (x − m)/(s + 1/255) and the invented detail r± = (x± − m)/(s + 1/255), each
    with m and s:

    - critic: softplus(c(r±) − c(r)) + ½ · ``steady`` · (c(r + δn) − c(r))²/δ², and the same for r±, with normal n and
    δ = 0.1;
    - branch: softplus(c(r) − c(r±)) + ``power`` · Σ (√e(r±) − √e(r))² + ``mean_weight`` · (½r₊ + ½r₋)²
    + ``limit`` · (E r±² − 1)₊², where e is the energy in each of three octaves and E in all, over squares of 16 pixels.
    So as much is invented as is missing, the mean of samples stays the same, and the sd covers the detail.

    Each term is a mean over its elements. r is a sample of the errors that the scale was trained on. So samples that
    satisfy the critic are samples of the posterior, and not merely sharp images.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: The relativistic discriminator (Jolicoeur-Martineau, 2018), in pairs as in The GAN is dead; long live the
        GAN!
    (Huang et al., 2024); steepness by finite differences: Diffusion Adversarial Post-Training for One-Step Video
    Generation (Lin et al., 2025). Without a phase, the loss is the sum of both.
    """

    phases = (Phase("detail", ("model.prior.detail",)), Phase("critic", ("loss.critic",)))
    freezes = True

    @accepts_keywords(DetailLossConfig)
    def __init__(self, config: DetailLossConfig) -> None:
        super().__init__()
        self.power = config.power
        self.mean_weight = config.mean_weight
        self.limit = config.limit
        self.steady = config.steady
        self.critic = PatchCritic(3 * config.image_channels, config.widths)
        self._last: tuple[Batch, Seen] | None = None

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            IncompatibleParts: The prior has no detail branch, or the likelihood is not Gaussian.
        """
        name = None if phase is None else phase.name
        seen = self._seen(model, batch, name)
        real, fake = (torch.cat([r, self._beside(seen, r)], 1) for r in (seen.error, seen.invented))
        loss, reports = real.new_zeros(()), dict[str, Tensor]()
        if name in (None, "detail"):
            with torch.no_grad():
                own = self.critic(real)[0]
            fooling = F.softplus(own.repeat(2, 1, 1) - as_judged(self.critic, fake)[0]).mean()
            first, second = seen.invented.chunk(2)
            left = (0.5 * (first + second)).square().mean()
            made, lost = octaves(seen.invented), octaves(seen.error)
            apart = (made.sqrt() - lost.sqrt().repeat(2, 1, 1, 1)).square().sum(1).mean()
            above = F.relu(made.sum(1) - 1).square().mean()
            loss = fooling + self.power * apart + self.mean_weight * left + self.limit * above
            reports = {"fooling": fooling, "power_apart": apart, "mean_left": left, "above": above}
            reports |= {"invented": made.sum(1).mean() / lost.sum(1).mean()}
            reports |= {"invented_finest": made[:, 0].mean() / lost[:, 0].mean()}
        if name in (None, "critic"):
            fake = fake.detach()
            own, made = self.critic(real)[0], self.critic(fake)[0]
            told = F.softplus(made - own.repeat(2, 1, 1)).mean()
            steep = self._steepness(real, own) + self._steepness(fake, made)
            loss = loss + told + 0.5 * self.steady * steep
            reports |= {"critic_entropy": told, "critic_steepness": steep}
        return Terms(loss, {key: value.detach() for key, value in reports.items()})

    def _seen(self, model: VAE, batch: Batch, name: str | None) -> Seen:
        """Returns the critic's input. The critic's phase reuses that of the branch's phase, if there is one."""
        last, self._last = self._last, None
        if name == "critic" and last is not None and last[0] is batch:
            return last[1]
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            seen = look(model, batch)
        if name == "detail":
            self._last = batch, Seen(*(tensor.detach() for tensor in seen))
        return seen

    @staticmethod
    def _beside(seen: Seen, judged: Tensor) -> Tensor:
        return seen.place.repeat(len(judged) // len(seen.place), 1, 1, 1)

    def _steepness(self, shown: Tensor, logits: Tensor) -> Tensor:
        channels = shown.shape[1] // 3
        nudge = torch.zeros_like(shown)
        nudge[:, :channels] = NUDGE * torch.randn_like(shown[:, :channels])
        moved: Tensor = self.critic(shown + nudge)[0]
        return ((moved - logits) / NUDGE).square().mean()


def look(model: VAE, batch: Batch) -> Seen:
    """Returns the missing detail of a model's mean path, and the detail that its samples invent.

    Raises:
        IncompatibleParts: The prior has no detail branch, or the likelihood is not Gaussian.
    """
    if getattr(model.prior, "detail", None) is None:
        raise IncompatibleParts(
            f"DetailLoss trains a prior's detail branch, but {type(model.prior).__name__} has none.",
            hint="Set the prior's detail to a number of channels.",
            value=type(model.prior).__name__,
        )
    with torch.no_grad():
        context = model.context(batch.y, batch.cond)
        likelihood = expect_gaussian(model.path(context, noise=Noise(temperature=0))[1], "DetailLoss")
    mean, x = likelihood.image.float(), batch.target.float()
    unit = likelihood.scale.float().expand_as(mean) + LEVEL
    samples = model.path(context, 2, Noise(seed=int(torch.randint(2**31, ())), paired=True))[1].image.float()
    invented = ((samples.view(2, *x.shape) - mean) / unit).flatten(0, 1)
    place = torch.cat([4 * mean - 2, (unit / LEVEL).log() - 2], 1)
    return Seen((x - mean) / unit, invented, place)


def octaves(image: Tensor) -> Tensor:
    """Returns the mean energy of (N, C, H, W) in squares of 16 pixels: of the two finest octaves and of the rest.

    Octaves are differences of means over 1, 2 and 4 pixels, as with Haar wavelets, so that the three add up to all.

    Returns:
        (N, 3, H // 16, W // 16), fine to coarse, each at least 1e-6.
    """
    energies = [
        F.avg_pool2d(F.avg_pool2d(image, side).square().mean(1, keepdim=True), CELL // side) for side in (1, 2, 4)
    ]
    finest, finer, rest = energies
    return torch.cat([finest - finer, finer - rest, rest], 1).clamp_min(1e-6)
