"""Damages of images: noise, blur, low light, JPEG and whole cameras, all seeded."""
