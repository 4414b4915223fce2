"""Likelihoods: distributions over an image, which decoders return. They have K·B rows where the target has B."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
