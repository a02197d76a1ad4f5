"""What is told of the running server: metrics, traces, and reports of errors."""
