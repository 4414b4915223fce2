"""Latents in the Poincaré ball: a wrapped normal posterior and prior."""
