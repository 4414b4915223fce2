"""Figures of models: samples, reconstructions, traversals of latents, ways between pictures, and maps of latents.

A function takes a model and tensors and returns a `Sheet` of images, or a `Projection` of points: values that programs
can use, which draw themselves by ``.draw()`` and are written by `write`. Data sets are not opened here. Importing this
package loads neither torch nor matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
