"""The autoencoders of diffusers for vaezoo: those of Stable Diffusion, SDXL, SD3 and FLUX, and their tiny versions."""

from .config import arguments

__all__ = ["arguments"]
