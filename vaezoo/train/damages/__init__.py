"""Damages: what training does to patches so that a model learns to undo it, such as noise, JPEG or blur.

A recipe names a damage, ``data.damage=NAME``; ``vaezoo list --kind damages`` lists them. Your own is a function of a
patch, uint8 (P, P, C), and a generator. It returns the damaged patch, (P, P, C) in [0, 1]::

    @vaezoo.register_damage("dust", summary="White specks.")
    def dust(patch, rng):
        return np.where(rng.random(patch.shape[:2] + (1,)) < 0.01, 1, patch / 255)

A damage that needs more, such as the recipe's settings, a margin around the patch or a task that undoes it, is a
class that inherits `Damage`. A plugin declares either in its registry file, under ``damages``. Pairs of degraded and
clean images can be used instead of a damage (`pairs`).
"""

from vaezoo.train.damages.damage import Damage, PairDamage

__all__ = ["Damage", "PairDamage"]
