"""HTML of editors as Markdown."""

import pytest

from todo_gql.importing.html_text import MAX_HTML_LENGTH, as_markdown

TASKS = (
    '<ul data-type="taskList"><li data-checked="true"><label><input type="checkbox" checked="checked">'
    "<span></span></label><div><p>Sow</p></div></li>"
    '<li data-checked="false"><div><p>Water</p></div></li></ul>'
)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Plain text", "Plain text"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>A<br>B</p>", "A\nB"),
        ("<h2>Head</h2><p>Text</p>", "## Head\n\nText"),
        ("<p>5 &lt; 6 &amp; <b>bold</b> <em>text</em></p>", "5 < 6 & **bold** *text*"),
        ('<a href="https://a.example/?b=1&amp;c=2">link</a>', "[link](https://a.example/?b=1&c=2)"),
        ("<a>no link</a>", "no link"),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p></li></ul>", "- a\n  - b\n- c"),
        (TASKS, "- [x] Sow\n- [ ] Water"),
        ("<script>alert(1)</script>Text", "Text"),
        ("a < b and c > d", "a < b and c > d"),
        ("</li></ul></a></b>", "**"),
    ],
)
def test_html_is_markdown(text: str, markdown: str) -> None:
    """Paragraphs, headings, emphasis, links, lists and ticks are those of Markdown; the rest is text."""
    assert as_markdown(text) == markdown


@pytest.mark.parametrize(
    "part", ["<a ", "<!--", '<a b="', "&#9", "<ul>", "<li>", "</a", "<a href='x'>"]
)
def test_broken_html_is_read_too(part: str) -> None:
    """A text of nothing but unclosed tags is read to its limit."""
    assert len(as_markdown(part * (MAX_HTML_LENGTH // len(part)))) <= 2 * MAX_HTML_LENGTH


def test_a_reference_by_a_huge_number_is_text() -> None:
    """A character whose number has thousands of digits is none."""
    text = f"&#{'9' * 5_000};"
    assert as_markdown(text) == text
