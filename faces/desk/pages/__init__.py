"""The desk's pages: each module reads a request, calls what does the work, and shows the result."""
