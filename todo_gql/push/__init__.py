"""Web Push: keys, encryption, and the requests to push services."""
