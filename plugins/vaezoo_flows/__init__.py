"""Normalising flows: a posterior that is not Gaussian, and a prior that learns its shape."""
