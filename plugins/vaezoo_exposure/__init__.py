"""One latent for a whole picture: how much light it was meant to have. Networks of thumbnails, and tone curves."""
