"""Pages for browsers: GraphiQL, and those that mails link to."""
