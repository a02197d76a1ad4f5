"""A PostgreSQL cluster inside the data folder, for laptops."""
