"""How work is shared out among the turns of the event loop, so that none of them lasts long."""
