"""Markdown as HTML: what people write in reports, and nothing that could leave the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.cards.markdown import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One", "<h1>One</h1>"),
        ("### Three ###", "<h3>Three</h3>"),
        ("two\nlines", "<p>two\nlines</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        (
            "**bold** and *soft*, __bold__ and _soft_",
            "<p><strong>bold</strong> and <em>soft</em>, <strong>bold</strong> and <em>soft</em></p>",
        ),
        ("a_name_with_lines and 2 * 3 * 4", "<p>a_name_with_lines and 2 * 3 * 4</p>"),
        ("`a < b` and ``a ` b``", "<p><code>a &lt; b</code> and <code>a ` b</code></p>"),
        ("`**not bold**`", "<p><code>**not bold**</code></p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("- a\n  - b", "<ul><li>a\n<ul><li>b</li></ul></li></ul>"),
        ("- a\n  goes on", "<ul><li>a goes on</li></ul>"),
        ("> said", "<blockquote><p>said</p></blockquote>"),
        ("---", "<hr>"),
        ("```python\nx < 1\n```", "<pre><code>x &lt; 1</code></pre>"),
        ("```\nnever ends", "<pre><code>never ends</code></pre>"),
        (
            "| a | b |\n|---|:-:|\n| 1 | 2 |",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
        (
            "[here](https://example.org/a?b=1&c=2)",
            '<p><a href="https://example.org/a?b=1&amp;c=2" rel="noreferrer">here</a></p>',
        ),
        ("<b>no</b>", "<p>&lt;b&gt;no&lt;/b&gt;</p>"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ('[x](https://a"onclick=b)', '<p><a href="https://a&quot;onclick=b" rel="noreferrer">x</a></p>'),
        ("", ""),
    ],
)
def test_markdown_is_read_as(text: str, html: str) -> None:
    assert to_html(text) == html


@given(st.text(alphabet="ab <>&\"'*_`#->|[]()!.1\n\t:/~", max_size=60))
def test_any_text_is_read_and_brings_no_html_of_its_own(text: str) -> None:
    html = to_html(text)
    for tag in html.replace("</", "<").split("<")[1:]:
        name = tag.partition(">")[0].partition(" ")[0]
        assert name in {
            "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "hr", "pre", "code", "table",
            "thead", "tbody", "tr", "th", "td", "a", "strong", "em",
        }  # fmt: skip
