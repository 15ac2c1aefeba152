"""`faces worker`: documents that wait for their faces get them from the client side."""
