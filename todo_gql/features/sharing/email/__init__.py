"""Mails of invitations."""
