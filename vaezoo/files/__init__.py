"""Small text files: strict YAML, schemas that check it, and files that are written completely or not at all."""
