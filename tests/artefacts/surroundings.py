"""The names that the image, the Compose file and the chart may set in a program's environment."""

from todo_gql.settings import Settings

KNOWN = {name.upper() for name in Settings.model_fields}

# From the signal to the end: what is under way has 20 s, and all is over 5 s later.
STOP_SECONDS = 25
