"""Lists of todos and their sections."""
