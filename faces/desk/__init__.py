"""The desk: a page to drop a photo on, and to decide who is on it. `app.py` puts it together."""
