"""Quantisation of JPEG files: tables, intervals of the original's coefficients, and the cosine transform."""
