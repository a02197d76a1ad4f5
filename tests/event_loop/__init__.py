"""Time slices, and the turns of the event loop that they take."""
