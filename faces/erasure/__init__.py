"""Forgets a person or a photo: finds, deletes and blanks, expunges, and proves it."""
