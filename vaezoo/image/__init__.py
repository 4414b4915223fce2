"""Pictures: files to tensors and back, tiles, degradations, quality metrics.

Importing this package loads neither torch nor pyvips; a name loads its module when first used.
What a model does to a picture is in `vaezoo.restore`, not here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
