"""What is recorded of each request: the access log, sampled metrics and slow operations."""
