"""The inbox, preferences, and what is mailed of it."""
