"""What a JPEG file says of its coefficients: tables, intervals, and the cosine transform."""
