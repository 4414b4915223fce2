"""The vocabulary of a variational autoencoder: beliefs, the four slots, and the one class that joins them.

Imports torch and itself only, and torch only when a name that needs it is first used: ``vaezoo.core.facts``
stays light. No file, plugin or configuration format is known here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
