"""Convolutional encoders and decoders: any image size, no normalisation."""
