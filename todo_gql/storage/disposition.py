"""Names of files in the header Content-Disposition (RFC 6266)."""

import re
from typing import Final
from urllib.parse import quote

# What stands between quotation marks, for clients that know no other form.
NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 !#&'()+,.=@^_`{}~-]")
# Characters that RFC 8187, section 3.2.1, leaves as they are, beside letters and digits.
ATTRIBUTE_CHARACTERS: Final = "!#$&+-.^_`|~"


def content_disposition(file_name: str, *, inline: bool) -> str:
    """The header's value, in ASCII: to be shown if `inline`, else to be saved under this name."""
    kind = "inline" if inline else "attachment"
    plain = NOT_PLAIN.sub("_", file_name)
    extended = quote(file_name, safe=ATTRIBUTE_CHARACTERS)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}"
