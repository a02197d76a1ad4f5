"""The server process: connections, worker processes, start and stop."""
