"""One latent for a whole image, its exposure. The networks read thumbnails and make tone curves."""
