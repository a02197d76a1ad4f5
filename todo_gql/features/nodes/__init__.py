"""Anything of the viewer's, by its id alone."""
