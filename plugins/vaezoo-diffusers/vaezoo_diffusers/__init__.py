"""The autoencoders of diffusers for vaezoo: Stable Diffusion's, SDXL's, SD3's, FLUX's and their tiny twins."""

from .config import arguments

__all__ = ["arguments"]
