"""Studies of one question each: run once for a decision, kept to be run again."""
