"""What people say about faces: written into documents, and into the journal first."""
