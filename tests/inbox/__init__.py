"""What is entered into inboxes, and when it is sent besides."""
