"""Likelihoods of noisy images given clean ones, for models that are trained without clean images."""
