"""What spoils a picture: noise, blur, light, JPEG and whole cameras, seeded."""
