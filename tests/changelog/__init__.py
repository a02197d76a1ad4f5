"""The change log behind feeds: how long it lasts, and who is told of it."""
