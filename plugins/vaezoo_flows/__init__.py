"""Normalising flows for vaezoo: posteriors that are no Gaussian, and a prior that learns its shape."""
