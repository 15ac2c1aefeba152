"""Uncertain matches: which they are, and what a person decides about them."""
