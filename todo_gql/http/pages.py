"""The small HTML pages for people: their frame, look and headers."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

_STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1c2430; --faint: #5a6675; --line: #dde2e9;
  --accent: #b3126b; --good: #14713d; --bad: #b42318;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1b212b; --text: #e8ecf2; --faint: #a3afbe; --line: #2f3948;
    --accent: #ff7ab8; --good: #5fd68c; --bad: #ff8f85;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem 1rem;
  background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main {
  width: 100%; max-width: 38rem; padding: 2rem clamp(1.25rem, 5vw, 2.5rem);
  background: var(--card); border: 1px solid var(--line); border-radius: 1rem;
}
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; }
p { margin: 0.5rem 0 0; color: var(--faint); }
ul, dl { margin: 1.5rem 0 0; padding: 0; list-style: none; }
li, .row { border-top: 1px solid var(--line); }
li a { display: block; padding: 0.75rem 0; text-decoration: none; color: inherit; }
li a strong { color: var(--accent); font-weight: 600; }
li a:hover strong { text-decoration: underline; }
li a span { display: block; color: var(--faint); font-size: 0.925rem; }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25rem; }
.row { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: 0.6rem 0; }
dt { color: var(--faint); }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
code, pre { font: 0.925em/1.5 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; }
pre {
  margin: 1rem 0 0; padding: 0.75rem 1rem; overflow-x: auto;
  background: var(--page); border: 1px solid var(--line); border-radius: 0.5rem;
}
.good { color: var(--good); } .bad { color: var(--bad); }
.back a { color: var(--accent); }
"""

ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%23c2187a'/%3E"
    "%3Cpath d='M9 17l5 5 10-12' fill='none' stroke='white' stroke-width='4' "
    "stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)

COMMON_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}

_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    **COMMON_HEADERS,
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """Give a whole page around `body`, which is HTML; `title` is text."""
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="{ICON}">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    return HTMLResponse(content, status, _HEADERS)
