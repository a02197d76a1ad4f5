"""Mail: messages, their transport, and the tokens in their links."""
