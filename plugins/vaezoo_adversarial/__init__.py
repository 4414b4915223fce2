"""Losses with a critic, a network that is trained beside the model and is not part of it."""
