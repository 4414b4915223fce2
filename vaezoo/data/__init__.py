"""Data sets by name, images of any folder or zip, and two kinds of generated data: factors and styles."""
