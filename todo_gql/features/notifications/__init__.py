"""The inbox, and how people are notified of what is in it."""
