"""Dense encoders and decoders of any depth, such as the 784-128-64-2 network of the article."""
