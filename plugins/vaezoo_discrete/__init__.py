"""Categorical latents, relaxed or straight-through, alone or with Gaussian ones."""
