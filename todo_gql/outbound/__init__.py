"""Requests to URLs that users chose, which must not reach this server's own network."""
