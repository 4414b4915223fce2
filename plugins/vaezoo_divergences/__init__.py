"""Losses on the latents of a whole batch: total correlation, moments, distances to the prior."""
