"""Indexes the photos of a folder: each content once, wherever it lies; what stands in the index stays."""
