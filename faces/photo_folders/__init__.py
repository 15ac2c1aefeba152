"""Which files of a folder are photos to index, and why the others aren't."""
