"""What `benchmarks.restoration` compares: methods, suites of pictures, and the tables of its page."""
