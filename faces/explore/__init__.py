"""What an index of faces holds, and which of its names and photos may be wrong."""
