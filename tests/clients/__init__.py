"""Real clients against a real server, and what their compilers make of the schema."""
