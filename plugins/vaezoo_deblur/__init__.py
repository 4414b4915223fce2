"""Deblurring, with a kernel that is known or without."""
