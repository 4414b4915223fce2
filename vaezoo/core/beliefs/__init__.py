"""Beliefs about latents: the posteriors that encoders return, and the kinds of belief by name.

The kinds import no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
