"""The names that the image, the Compose file and the chart may set in a program's environment."""

from todo_gql.settings import Settings

# uvicorn itself reads whose X-Forwarded-For it believes.
OF_LIBRARIES = {"FORWARDED_ALLOW_IPS"}
# Not yet settings of this version, but of the next: older images ignore them.
UPCOMING = {
    *("MAIL_FROM", "PUBLIC_URL", "SMTP_URL"),
    *("METRICS_PORT", "PROMETHEUS_ENABLED", "WORKERS"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "REDIS_URL", "SENTRY_DSN"),
}
KNOWN = {name.upper() for name in Settings.model_fields} | OF_LIBRARIES | UPCOMING

# From the signal to the end: what is under way has 20 s, and all is over 5 s later.
STOP_SECONDS = 25
