"""Sharing lists: invitations, and changes of members."""
