"""Writing the formats of other programs: lists and todos to text, without the database."""
