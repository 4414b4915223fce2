"""What the machine gives: devices, optional libraries, and arithmetic that says where it fails."""
