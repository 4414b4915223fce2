"""Priors: distributions of the latents before an image is seen.

Here are the interface and three priors: a standard normal, a mixture of Gaussians and a ladder of levels. Priors can
also be fitted after training, and moved or interpolated in for figures.
"""
