"""Lists with members."""
