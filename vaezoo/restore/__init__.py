"""Enhancing pictures of any size and kind with a model of the zoo, and saying how sure it is.

A task says what is done to a picture: it inherits `Task`. Importing this package does not load torch; a name loads its
module when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
