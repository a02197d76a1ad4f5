"""Agents: the Model Context Protocol."""
