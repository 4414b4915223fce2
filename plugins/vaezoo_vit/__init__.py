"""Vision transformers: a timm ViT as encoder, with its mirror image as decoder."""
