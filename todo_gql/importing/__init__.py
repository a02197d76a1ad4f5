"""Reading the files of other programs: bytes to lists and todos in one form, without the database."""
