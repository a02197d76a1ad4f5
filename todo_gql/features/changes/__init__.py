"""The change log, the one source of history and feed."""
