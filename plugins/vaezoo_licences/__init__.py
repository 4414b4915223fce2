"""Which licences a user lets weights have."""
