"""What holds for every field of the schema, by operations that are written from it."""
