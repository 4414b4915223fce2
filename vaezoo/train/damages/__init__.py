"""What training does to patches: noise, JPEG, blur, fewer pixels, whole cameras; or pairs of one's own.

A recipe names a damage, ``data.damage=NAME``, one of ``vaezoo list --kind damages``. Yours is a function of a patch,
uint8 (P, P, C), and a generator, that returns the damaged patch, (P, P, C) in [0, 1]::

    @vaezoo.register_damage("dust", summary="White specks.")
    def dust(patch, rng):
        return np.where(rng.random(patch.shape[:2] + (1,)) < 0.01, 1, patch / 255)

One that needs more, such as the recipe's settings, a margin around the patch or a task that undoes it, is a class that
inherits `Damage`. A plugin declares either in its registry file, under ``damages``.
"""

from vaezoo.train.damages.damage import Damage, PairDamage

__all__ = ["Damage", "PairDamage"]
