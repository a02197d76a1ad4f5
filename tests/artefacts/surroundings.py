"""The names that the image, the Compose file and the chart may set in a program's environment."""

from todo_gql.settings import Settings

# uvicorn itself reads whose X-Forwarded-For it believes.
OF_LIBRARIES = {"FORWARDED_ALLOW_IPS"}
KNOWN = {name.upper() for name in Settings.model_fields} | OF_LIBRARIES

# From the signal to the end: what is under way has 20 s, and all is over 5 s later.
STOP_SECONDS = 25
