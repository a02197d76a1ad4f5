"""What the tests share: people who use the API, servers, and values to send."""
