"""Mails of notifications: bundles and digests, and how to unsubscribe from them."""
