"""Photos decoded in processes that can be killed: what a stranger's picture does there ends with them."""
