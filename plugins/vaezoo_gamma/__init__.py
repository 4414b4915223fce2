"""Positive latents: Gamma posteriors and prior."""
