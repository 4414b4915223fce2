"""Convolutional ladder VAEs, norm-free and for any size: conditional ones that restore, and ones that generate."""
