"""Agents: the Model Context Protocol (MCP) over streamable HTTP, by the official SDK."""
