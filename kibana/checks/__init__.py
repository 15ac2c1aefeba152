"""What can be wrong with the boards and data views that we build, each kind in a module of its own."""
