"""The processes that serve, and their HTTP/1.1 and WebSocket protocols."""
