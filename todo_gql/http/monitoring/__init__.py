"""What is noted of each request: the access log, samples and slow operations."""
