"""Latents on the unit sphere: von Mises-Fisher posteriors and the uniform prior."""
