"""Positive latents: a Gamma posterior and a Gamma prior."""
