"""What was deleted at its source leaves the index."""
