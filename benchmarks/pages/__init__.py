"""What writes pages of the documentation from the registry and from recipes. Nothing is measured here."""
