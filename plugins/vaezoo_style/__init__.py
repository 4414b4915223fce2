"""Style and content: conditioners for a style's class, code or reference image, and losses that separate the two."""
