"""How many bytes of an account's storage a row of the change log takes."""

ROW_BYTES = 200
"""The fixed number of bytes counted for each stored row, of a change or of a todo."""

CHANGE_BYTES = f"({ROW_BYTES} + octet_length(diff::text))"
"""SQL for the bytes of a row of changes."""
