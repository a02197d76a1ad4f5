"""Files of todos as they are stored and shown."""
