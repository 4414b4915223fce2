"""The damages that vaezoo brings itself, each declared in vaezoo/host/builtin.yaml. No torch until one is drawn."""

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
    """JPEG of a drawn quality."""

    task = "dejpeg"
    margin = 8  # a block of the grid, so that a patch may begin anywhere in one

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import jpeg

        return jpeg(region, rng, self.data.quality[0], self.data.quality[1])


class Downscale(Damage):
    """Fewer pixels, enlarged again."""

    task = "sr"

    @property
    def margin(self) -> int:
        """Up to a multiple of each factor."""
        return -self.data.patch % 12

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import fewer

        return fewer(region, rng, self.data.factors)


class LowLight(Damage):
    """Less light, and the noise of a camera."""

    task = "lowlight"

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import dark

        return dark(region, rng, self.data.light, self.data.electrons)


class Blur(Damage):
    """A blur of a drawn kernel; the recipe's noise on top."""

    task = "blind-deblur"
    takes_noise = True

    @property
    def margin(self) -> int:
        """As far as a kernel reaches, on both sides."""
        return 2 * self.data.reach

    def spoil(self, region: Pixels, rng: Rng) -> Spoilt:
        """See :meth:`Damage.spoil`."""
        from vaezoo.train.damages.patches import blurred

        return blurred(region, rng, self.data.reach)


class Photo(PairDamage):
    """What cameras, phones and messengers write."""

    @property
    def margin(self) -> int:
        """What a camera looks at around a patch."""
        from vaezoo.train.damages.photos import MARGIN

        return MARGIN

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_pair

        return draw_pair(cut, largest, rng, self.data)


class CameraAlone(Photo):
    """What drawn cameras write."""

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_pair

        return draw_pair(cut, largest, rng, self.data, cameras_alone=True)


class Saved(Photo):
    """JPEG files, told by their table."""

    task = "dejpeg"

    def pair(self, cut: Cut, largest: int, rng: Rng) -> Pair:
        """See :meth:`PairDamage.pair`."""
        from vaezoo.train.damages.photos import draw_saved

        return draw_saved(cut, largest, rng, self.data)


class Reduce(Damage):
    """Fewer pixels."""

    task = "sr"
    shrinks = True

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """See :meth:`Damage.source`."""
        from vaezoo.train.damages.reductions import Reductions

        return Reductions(images, self.data, seed)


class ReducePhoto(Reduce):
    """Fewer pixels, as web pages and cameras have them."""

    def source(self, images: tuple[Images, ...], seed: int) -> Source:
        """See :meth:`Damage.source`."""
        from vaezoo.train.damages.reductions import Reductions, spoilt

        return Reductions(images, self.data, seed, spoilt)


class Recorrupt(Damage):
    """Noise that is added to noisy pictures and subtracted from their targets."""

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
