"""Deblurring with a known or an unknown kernel."""
