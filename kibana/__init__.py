"""Boards, data views and Dev Tools requests as code, and their import. Knows the fields of the indices."""
