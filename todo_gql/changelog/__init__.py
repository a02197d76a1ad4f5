"""The change log as feeds: cursors, wake-ups, and how long changes are kept."""
