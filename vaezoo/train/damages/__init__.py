"""What training does to patches: noise, JPEG, blur, fewer pixels, whole cameras; or pairs of one's own."""
