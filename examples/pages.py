"""What the example applications show; nothing here knows of a cache."""

import hashlib
import html
from collections.abc import Iterable
from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Notes</title>
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/page.js" defer></script>
</head>
<body>
<h1><img src="/assets/pen.svg" alt="" width="32" height="32"> Notes</h1>
<ul>{notes}</ul>
<form method="post" action="/notes"><input name="note" required><button>Add</button></form>
<p><a href="/me">Only for you</a> · <a href="/slow">Slow</a></p>
</body>
</html>
"""

ASSETS: Final = {
    "page.css": (
        "text/css",
        "body { font-family: sans-serif; color: rgb(0, 0, 128) }\n",
    ),
    "page.js": ("text/javascript", "document.body.dataset.script = 'ran'\n"),
    "pen.svg": (
        "image/svg+xml",
        """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">
<path d="M0 8 1 5 6 0 8 2 3 7z"/>
</svg>
""",
    ),
}


def page(notes: Iterable[str]) -> str:
    """Make the page that all see."""
    return PAGE.format(notes="".join(f"<li>{html.escape(note)}" for note in notes))


def etag(text: str) -> str:
    """Make an entity tag: another text has another one."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
