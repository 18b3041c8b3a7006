"""Words are found however they are written, in Latin and in Arabic, whole or by their beginning."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.folding import BEGINNING, LONGEST, asked, folded, words

UUID = "12345678-90ab-4cde-8fab-1234567890ab"


def finds(query, text):
    held = words([text])
    return all(any(a <= w < z for w in held for a, z in ranges) for ranges in asked(query))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("poison", "Poison Ivy"), ("IVY poi", "Poison Ivy"), ("resume", "un Résumé"), ("RÉSUMÉ", "resume"),
        ("strasse", "Straße"), ("istanbul", "İstanbul"), ("lodz", "Lo\u0301dz\u0301"), ("naive", "naïve"),
        ("مؤسسة", "مُؤَسَّسَةٌ"), ("موسسه", "مُؤَسَّسَةٌ"), ("الامن", "الأمـــن"), ("امن", "أمن"),
        ("اسلام", "إسلام"), ("الي", "إلى"),
        ("على", "علي"), ("هجمة", "هجمه"), ("2024", "عام ٢٠٢٤"), ("٢٠٢٤", "2024"), ("1403", "سال ۱۴۰۳"),
        ("کتاب", "كتاب"),
        ("الله", "ﷲ"), ("שלום", "שָׁלוֹם"), ("ελληνικα", "Ελληνικά"), ("\uff21\uff22\uff23", "abc"),
        ("東京", "日本語東京テスト"),
        ("हिन्दी", "यह हिन्दी है"), ("CVE-2024-1234", "see CVE-2024-1234."), ("cve-2024", "CVE-2024-1234"),
        ("2024-1234", "CVE-2024-1234"), ("1234", "CVE-2024-1234"), ("T1059", "T1059.001"), ("t1059.001", "(T1059.001)"),
        ("evil.example", "http://www.evil.example/x?y=1"), ("www.evil", "http://www.evil.example/"),
        ("http://evil.example/x", "[url:value = 'http://evil.example/x/y']"), ("mitre", "x_mitre_aliases"),
        (UUID, f"indicator--{UUID}"), (f"indicator--{UUID}", f"indicator--{UUID}"), ("12345678", f"malware--{UUID}"),
        ("malware--1234", f"malware--{UUID}"), (f"malware--{UUID[:20]}", f"malware--{UUID}"), ("c2", "C2 server"),
        ("c2", "a c2-server"), ("ab" * 32, "AB" * 32), ("ab" * 20, "ab" * 32), ("a\u00adb\u200bc", "abc"),
    ],
)  # fmt: skip
def test_a_word_is_found_however_it_is_written(query, text):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ison", "Poison"), ("vil.example", "evil.example"), ("poison oak", "Poison Ivy"), ("c2", "c2server"),
        ("a", "ab"), ("CVE-2024-1234", "CVE 2024 and 1234"), ("T1059.001", "T1059.002, T1003.001"),
        ("cve-2024", "cve 2024"),
        (UUID, f"indicator--{UUID[:-1]}f"), ("90ab", f"indicator--{UUID}"), ("evil.example", "evil example"),
        ("zz", "zzz"),
    ],
)  # fmt: skip
def test_what_only_holds_it_inside_is_not_found(query, text):
    assert not finds(query, text)


@pytest.mark.parametrize(
    "written",
    ["قطاع", "القطاع", "والقطاع", "بالقطاع", "وبالقطاع", "فالقطاع", "كالقطاع", "للقطاع", "وللقطاع"],
)
@pytest.mark.parametrize("query", ["قطاع", "القطاع", "للقطاع"])
def test_an_arabic_word_is_found_with_and_without_its_article_and_what_is_written_onto_it(
    query, written
):
    assert finds(query, f"حملة على {written} الحكومي")


@pytest.mark.parametrize(
    ("query", "text"),
    [("والد", "دار"), ("الى", "ينبوع"), ("بالغ", "غريب"), ("الله", "له"), ("طاع", "القطاع"),
     ("القطاع الخاص", "قطاع عام")],
)  # fmt: skip
def test_what_only_looks_like_an_article_is_part_of_the_word(query, text):
    assert not finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [("l'énergie", "secteur énergie"), ("d\u2019accès", "accès"), ("qu'on", "on"), ("L'État", "Etat"),
     ("énergie", "l'énergie")],
)  # fmt: skip
def test_what_french_elides_before_a_word_is_not_asked_for(query, text):
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"), [("o'brien", "brien"), ("l'1", "1"), ("l energie", "energie")]
)
def test_what_is_no_elision_is_asked_for(query, text):
    assert not finds(query, text)


@given(st.text())
def test_folding_again_changes_nothing(text):
    assert folded(folded(text)) == folded(text)


@given(st.text(max_size=60))
def test_a_text_is_found_by_itself_and_by_each_beginning_of_its_words(text):
    held = words([text])

    assert finds(text, text)
    for word in held:
        assert 0 < len(word) <= LONGEST
        assert not word.startswith(("\x01", "."))
        assert finds(word, text)
        assert len(word) < BEGINNING or finds(word[:-1] if len(word) > BEGINNING else word, text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_texts_hold_what_each_of_them_holds(one, other):
    assert words([one, other]) == words([one]) | words([other])


@pytest.mark.parametrize("words_", ["", " ", "%", "- . _", "\u0640", "\udcff\0"])
def test_signs_are_no_words(words_):
    assert asked(words_) == []
    assert words([words_]) == set()


@pytest.mark.parametrize(
    "hostile",
    ["a" * (1 << 20), "a." * (1 << 19), "語" * (1 << 17), "a-" * 100_000 + "'", "ﷺ" * 100_000],
)
def test_a_long_text_is_read_in_bounded_time(hostile):
    began = time.process_time()

    found = words([hostile])

    assert time.process_time() - began < 5
    assert max(map(len, found)) <= LONGEST
