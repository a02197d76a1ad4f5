"""Writing todos and tags, and reading lists of them."""
