"""Vision transformers: a timm ViT as encoder, its mirror image as decoder."""
