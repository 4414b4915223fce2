"""Dense encoders and decoders of any depth, the article's 784-128-64-2 network among them."""
