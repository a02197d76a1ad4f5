"""Metrics, logs, traces and error reports of the running server."""
