"""Metrics, logs, traces and error reports."""
