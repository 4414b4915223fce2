"""The parts of a variational autoencoder, and the one class, `VAE`, that joins them.

An encoder turns an image into a belief, which is a distribution over latents. A prior turns the belief into samples of
the latents and their rate. A decoder turns samples into a likelihood of the image. A loss is what training minimises.
A conditioner and a refinement are optional.

This package imports torch and itself only, and torch only when a name that needs it is first used. So
``vaezoo.core.facts``, which checks that parts fit each other, stays light. Files, plugins and configuration formats
are elsewhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
