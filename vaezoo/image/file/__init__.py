"""Image files: reading, writing, formats, folders, and conversion to tensors and back."""
