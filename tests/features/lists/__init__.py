"""Lists and sections."""
