"""Mails to users, and the links in them."""
