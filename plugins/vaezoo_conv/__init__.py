"""Convolutional encoders and decoders for images of any size, without normalisation."""
