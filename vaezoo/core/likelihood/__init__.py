"""Beliefs about an image: what a decoder returns. Rows are K·B, the target has B."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
