"""Comments on todos, and who is mentioned in them."""
