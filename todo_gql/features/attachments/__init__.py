"""Files of todos."""
