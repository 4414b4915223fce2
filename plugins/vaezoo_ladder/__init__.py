"""Convolutional ladder VAEs for images of any size, without normalisation. Some restore an image, others generate."""
