"""Expressions: what is found in a text has what it is said to require."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mithaq.detect.regexes import BadRegex, regex, required

SIGNS = (
    "a",
    "K",
    "s",
    "S",
    "\u017f",
    "\u212a",
    "7",
    "\\",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "?",
    "é",
    "x41",
    "\ud800",
)
PARTS = st.one_of(
    st.sampled_from(
        ["ab", "Ks", r"\.", r"\\", r"\x41", r"\x{6b}", r"\d", r"\pL", r"\101", r"\?", "[^]a]", "[[:alpha:]k]", "[s\\]]"]
    ),
    st.sampled_from(
        ["^", "$", ".", "|", "(a|b)", "(?:k)", "(?i)", "(?i:s)", "(?P<n>ab)", "é", r"\Qa.b\E", "}", "a{,2}"]
    ),
)  # fmt: skip
COUNTED = st.builds(
    str.__add__, PARTS, st.sampled_from(["", "", "*", "+", "?", "{0}", "{2}", "*?", "{1,}"])
)
PATTERNS = st.lists(COUNTED, max_size=5).map("".join)
TEXTS = st.lists(st.sampled_from([*SIGNS, "ab", "Ks", "A", "k"]), max_size=8).map("".join)


@given(PATTERNS, st.booleans(), st.lists(TEXTS, min_size=8, max_size=8))
def test_what_is_found_in_a_text_has_what_it_requires(pattern, cased, texts):
    try:
        known = regex(pattern, cased=cased)
    except BadRegex:
        assume(False)
    wanted = required(pattern, cased=cased)
    for text in texts:
        assert wanted in text.lower() or not known.found_in(text)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\\AppData\\Local\\Temp\\dat[0-9A-Z]{4}\.tmp", r"\appdata\local\temp\dat"),
        (r"(?:cmd|powershell).*-EncodedCommand", "-encodedcommand"),
        ("abc|xyz", ""),
        ("lonel?y", "lone"),
        ("(evil)?ly", "ly"),
        (r"who\?", "who"),
        ("(?i)classic", "cla"),
    ],
)
def test_of_plain_parts_the_longest_is_required(pattern, expected):
    assert required(pattern, cased=True) == expected
