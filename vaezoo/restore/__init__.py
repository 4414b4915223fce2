"""Restores images of any size and kind with a model of the zoo, and says how certain the result is.

`enhance` does it in one call; `Restorer` runs a model over an image, in tiles if it is large. A `Task` says what is
done to an image, such as denoising. `Calibration` and `Interval` tell how large the errors are. Importing this package
does not load torch: each name loads its module at first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
