"""What `benchmarks.photos` compares: sets of photos, methods, suites, and its page."""
