"""Latents on the unit sphere: a von Mises-Fisher posterior and the uniform prior."""
