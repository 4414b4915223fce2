"""Likelihoods of noisy pictures given clean ones, for models that see no clean picture."""
