"""Autoencoders without a rate: reconstruction, and penalties that shape the latents or the networks."""
