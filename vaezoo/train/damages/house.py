"""Vaezoo's own damages, which vaezoo/host/builtin.yaml declares. They load torch when first drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaezoo.errors import ConfigError
from vaezoo.train.damages.damage import Damage, PairDamage

if TYPE_CHECKING:
    import numpy as np

    from vaezoo.data.sets import Images
    from vaezoo.train.damages.damage import Pixels, Values
    from vaezoo.train.damages.photos import Cut, Pair
    from vaezoo.train.data import Source

    Rng = np.random.Generator
    Spoilt = tuple[Values, tuple[int, int]]


class Jpeg(Damage):
    """JPEG of random quality."""

    task = "dejpeg"
    margin = 8  # a block of the grid, so that a patch may begin anywhere in a block

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import jpeg

        return jpeg(region, rng, self.data.quality[0], self.data.quality[1])


class Downscale(Damage):
    """Downscaling, then enlarging to the former size."""

    task = "sr"

    @property
    def margin(self) -> int:
        """Margin for rounding up to a multiple of each factor."""
        return -self.data.patch % 12

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import fewer

        return fewer(region, rng, self.data.factors)


class LowLight(Damage):
    """Less light, with the noise of a camera."""

    task = "lowlight"

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import dark

        return dark(region, rng, self.data.light, self.data.electrons)


class Blur(Damage):
    """Blur by a random kernel. The recipe's noise is added."""

    task = "blind-deblur"
    takes_noise = True

    @property
    def margin(self) -> int:
        """Reach of a kernel, on both sides."""
        return 2 * self.data.reach

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import blurred

        return blurred(region, rng, self.data.reach)


class Photo(PairDamage):
    """Files as cameras, phones and messengers write them."""

    @property
    def margin(self) -> int:
        """Margin that a camera's processing reads around a patch."""
        from vaezoo.train.damages.photos import MARGIN

        return MARGIN

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_pair

        return draw_pair(cut, largest, rng, self.data)


class CameraAlone(Photo):
    """Files of random cameras only."""

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_pair

        return draw_pair(cut, largest, rng, self.data, cameras_alone=True)


class Saved(Photo):
    """JPEG files. The model is told the error that their table implies."""

    task = "dejpeg"

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_saved

        return draw_saved(cut, largest, rng, self.data)


class Reduce(Damage):
    """Downscaling: the input is smaller than the target."""

    task = "sr"
    shrinks = True

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """See :meth:`Damage.source`."""
        from vaezoo.train.damages.reductions import Reductions

        return Reductions(images, self.data, seed)


class ReducePhoto(Reduce):
    """Downscaling, followed by the damage of web pages and cameras."""

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """See :meth:`Damage.source`."""
        from vaezoo.train.damages.reductions import Reductions, spoilt

        return Reductions(images, self.data, seed, spoilt)


class Recorrupt(Damage):
    """Recorruption: noise that is added to noisy images and subtracted from their targets."""

    takes_noise = True

    def check(self) -> None:
        """See :meth:`Damage.check`."""
        if self.data.sigma[0] != self.data.sigma[1]:
            expected = "one level twice, that of the noisy pictures, or 0 to estimate it"
            raise ConfigError(f"data.sigma should be {expected}, not {self.data.sigma!r}.", value=self.data.sigma)
        for key in ("told", "camera"):
            if share := getattr(self.data, key):
                raise ConfigError(f"data.{key} should be 0 with the damage 'recorrupt', not {share!r}.", value=share)

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """See :meth:`Damage.source`."""
        from vaezoo.train.damages.recorruption import Recorruptions

        return Recorruptions(images, self.data, seed)
