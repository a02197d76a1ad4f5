"""When reminders fire, and how that is computed anew when what it follows from changes."""
