"""What an index of faces holds, and which of its faces may be wrong."""
