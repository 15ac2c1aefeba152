"""Profiles that are no longer served."""

SUCCESSORS = {"facenet-thorough": "facenet-sface"}
"""Name -> the profile to take instead."""
