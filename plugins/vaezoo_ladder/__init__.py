"""Conditional ladder VAEs for restoration: norm-free, convolutional, any size."""
