"""Names from data sets can neither become markup nor control a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veraface.text import clean, markdown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sfhq_t2i", "sfhq_t2i"),
        ("Größe 東京", "Größe 東京"),
        ("a\x1b[2Jb\nc\td", "a\ufffd[2Jb\ufffdc\ufffdd"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("lone \udc80", "lone \ufffd"),
        ("x" * 90, "x" * 79 + "…"),
    ],
)
def test_clean(name: str, shown: str) -> None:
    assert clean(name) == shown


def test_markdown() -> None:
    assert markdown("a|b <i> [x](y) `c` *d*") == r"a\|b &lt;i&gt; \[x\](y) \`c\` \*d\*"


@given(st.text(st.characters()))
def test_any_text_fits_on_one_line_without_markup(name: str) -> None:
    for shown in (clean(name), markdown(name)):
        assert len(shown.encode().splitlines()) <= 1
        assert len(clean(name)) <= 80
    assert "<" not in markdown(name)
