"""Style beside content: conditioners for a style's class, code or reference image, and losses that part the two."""
