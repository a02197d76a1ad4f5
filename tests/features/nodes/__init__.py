"""Objects by their ids."""
