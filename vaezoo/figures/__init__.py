"""Figures of models: samples, reconstructions, traversals of latents, interpolations, and maps of latents.

Each function takes a model and tensors. It returns a `Sheet` of images or a `Projection` of points. Programs can use
their values; ``.draw()`` draws them and `write` writes them to a file. Data sets are opened elsewhere. Importing this
package loads neither torch nor matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
