"""Everything that is done with an index of faces: the command line and what it runs."""
