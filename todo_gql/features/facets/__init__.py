"""How many todos of a filter have each value."""
