"""Models that leave or enter: saved folders, publishing, and opening what somebody saved."""
