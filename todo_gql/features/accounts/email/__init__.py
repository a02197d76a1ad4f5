"""The mails of an account, and the links in them."""
