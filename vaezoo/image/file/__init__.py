"""Pictures as files: reading, writing, formats, folders, and the way to tensors and back."""
