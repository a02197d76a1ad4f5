"""The queue of jobs in PostgreSQL, and the worker that runs them."""
