"""Small files of text: strict YAML, schemas that parse, and files that are written whole or not at all."""
