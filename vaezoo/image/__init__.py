"""Images: files to tensors and back, tiles, resizing, damages and quality metrics.

Importing this package loads neither torch nor pyvips: each name loads its module at first use. `vaezoo.restore` runs
models over images.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
