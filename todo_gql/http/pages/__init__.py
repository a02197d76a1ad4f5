"""The pages for people: health, the index, the account and GraphiQL."""
