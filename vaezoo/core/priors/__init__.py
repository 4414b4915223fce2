"""What latents are believed to be before a picture is seen: the interface, and the priors of the house."""
