"""How many todos a user has of each kind."""
