"""Values that clients send: text and JSON."""
