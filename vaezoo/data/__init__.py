"""Data sets by name, any folder or zip of pictures, and the two kinds that are drawn: factors and styles."""
