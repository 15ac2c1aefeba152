"""Everything that is done with an index of faces: the command line, and the modules that it calls."""
