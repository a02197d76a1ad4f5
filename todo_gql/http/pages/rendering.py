"""Renders the HTML pages in `templates/`, with their style and headers."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

COMMON_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%23c2187a'/%3E"
    "%3Cpath d='M9 17l5 5 10-12' fill='none' stroke='white' stroke-width='4' "
    "stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)
_STYLE: Final = files(__package__).joinpath("templates/style.css").read_text("utf-8")
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_TEMPLATES: Final = Environment(
    loader=PackageLoader("todo_gql.http.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"icon": _ICON, "style": _STYLE}


def page(
    name: str, status: int = 200, *, form_action: str = "'none'", **facts: object
) -> HTMLResponse:
    """The page of a template with these values; `form_action` is that of the Content-Security-Policy."""
    headers = {
        **COMMON_HEADERS,
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
            f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
        ),
    }
    return HTMLResponse(_TEMPLATES.get_template(f"{name}.html").render(facts), status, headers)


def link_page(name: str, status: int = 200, **facts: object) -> HTMLResponse:
    """A page behind a link in a mail: its form may be sent, and no search engine lists it."""
    response = page(name, status, form_action="'self'", **facts)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
