"""The people of a gallery and their portraits: enrolled, shown, tagged and removed."""
