"""Who is in a list, who is invited to it, and what each may do there."""
