"""Every reason has a sentence in every language, and no value can scramble or break one."""

import string

import pytest

from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.policy.decision import Hold, Reason, Release, Rule, View, Withhold
from mithaq.policy.explain import FACTS, LANGUAGES, declined, explain, fill, sentence

ISOLATE, POP = "\u2068", "\u2069"
EVERY_REASON = [
    Reason(
        rule=rule,
        clause="clause-7",
        facts={name: f"<{name}>" for name in facts} | ({"because": because} if because else {}),
    )
    for rule, shapes in FACTS.items()
    for because, facts in shapes.items()
]
VIEW = View(
    raw=b"{}",
    digest="sha256:00",
    removed=("/description", "/x_note"),
    added=(tlp_id(Tlp.AMBER_STRICT),),
)


def called(reason: Reason) -> str:
    return f"{reason.rule}-{reason.facts.get('because', '')}"


def test_every_rule_says_what_its_reasons_state():
    assert set(FACTS) == set(Rule)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", EVERY_REASON, ids=called)
def test_every_reason_has_a_sentence_with_all_its_facts(reason, language):
    said = sentence(reason, language)

    assert said[0] not in string.ascii_lowercase
    assert said.endswith(".")
    assert "{" not in said
    for name, value in reason.facts.items():
        assert name == "because" or value in said


@pytest.mark.parametrize("reason", EVERY_REASON, ids=called)
def test_the_languages_cite_the_same_clauses(reason):
    cited = {language: "clause-7" in sentence(reason, language) for language in LANGUAGES}

    assert len(set(cited.values())) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_is_told_to_ask_a_file_or_a_feed_for_consent(language):
    nation, feed = (
        sentence(Reason(rule=Rule.ONWARD_GREEN, clause="", facts={"owner": owner}), language)
        for owner in ("borea", "feed:abuse")
    )

    assert "--community" in feed
    assert "feed:abuse" in feed
    assert "--community" not in nation


def test_no_two_reasons_read_alike():
    for language in LANGUAGES:
        said = [sentence(reason, language) for reason in EVERY_REASON]
        assert len(set(said)) == len(said)


def test_a_rule_without_a_sentence_in_a_language_is_noticed():
    with pytest.raises(KeyError):
        sentence(Reason(rule=Rule.CLIENT, facts={"because": "no such cause"}))


@pytest.mark.parametrize("reason", EVERY_REASON, ids=called)
def test_arabic_isolates_every_value_so_that_directions_do_not_mix(reason):
    said = sentence(reason, "ar")

    assert said.count(ISOLATE) == said.count(POP)
    for name, value in reason.facts.items():
        assert name == "because" or f"{ISOLATE}{value}{POP}" in said


def test_each_of_several_values_is_isolated_alone_in_arabic():
    reason = Reason(rule=Rule.RELEASABLE_TO, facts={"to": "borea, corvia"})

    assert f"{ISOLATE}borea{POP}، {ISOLATE}corvia{POP}" in sentence(reason, "ar")


def test_a_title_can_neither_break_the_line_nor_turn_the_direction():
    title = "bad\u202e\u2069\nname, and {peer}"

    for language in LANGUAGES:
        said = explain(Withhold(reasons=()), language, peer="borea", title=title)[0]
        assert "badname, and {peer}" in said
        assert not set(said) & {"\u202e", "\n"}
        assert said.count(ISOLATE) == said.count(POP)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_release_says_where_it_goes_what_it_lacks_and_what_may_be_done_with_it(language):
    said = explain(
        Release(view=VIEW, clause="c-1", onward="scope"), language, peer="borea", title="A report"
    )

    assert len(said) == 4
    assert all(word in said[0] for word in ("A report", "borea", "c-1"))
    assert all(word in said[1] for word in ("/description", "/x_note"))
    assert "TLP:AMBER+STRICT" in said[2]
    assert "borea" in said[3]


def test_a_release_of_the_stored_bytes_says_that_nothing_is_removed():
    whole = View(raw=b"{}", digest="sha256:00")

    said = explain(Release(view=whole, clause="c-1"), peer="borea", title="A report")

    assert said == [
        "Goes: “A report” goes to borea under clause c-1.",
        "It goes whole, byte for byte as it is stored.",
        "borea may not pass it on.",
    ]


def test_a_hold_says_who_has_to_decide_on_what():
    reason = Reason(rule=Rule.SECOND_PERSON, clause="c-1", facts={"because": "level", "is": "RED"})
    held = Hold(view=VIEW, clause="c-1", needs=frozenset({"second-person"}), reasons=(reason,))

    said = explain(held, peer="borea", title="A report")

    assert said[0].startswith("Waits")
    assert said[1] == sentence(reason)
    assert "/description" in said[2]


def test_shadow_mode_says_what_would_have_gone():
    would = Release(view=VIEW, clause="c-1")
    shadow = Reason(rule=Rule.SHADOW, clause="c-1")

    said = explain(Withhold(reasons=(shadow,), would=would), peer="borea", title="A report")

    assert said[0].startswith("Stays")
    assert said[1] == sentence(shadow)
    assert list(said[3:]) == list(explain(would, peer="borea", title="A report"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_no_says_whose_it_is_and_when_before_what_a_new_proposal_would_do(language):
    names = {"peer": "Borealis", "title": "A tool", "by": "lina", "at": "2026-03-01T12:00:00.000Z"}

    [said, anew] = declined(language, **names)

    assert all(each in said for each in names.values())
    assert anew.endswith(":")


@pytest.mark.parametrize(
    ("added", "says"),
    [
        (tlp_id(Tlp.RED), "TLP:RED"),
        (pap_id(Pap.AMBER), "PAP:AMBER"),
    ],
)
def test_what_is_added_alone_is_said_and_nothing_of_parts_or_of_a_whole(added, says):
    seen = View(raw=b"{}", digest="sha256:00", added=(added,))

    said = explain(Release(view=seen, clause="c-1", onward="open"), peer="borea", title="A report")

    assert len(said) == 3
    assert said[1].endswith(f"beside the stored bytes: {says}.")
    assert said[2] == "borea may pass it on as far as its marking allows."


def test_what_is_removed_alone_is_said_part_by_part():
    seen = View(raw=b"{}", digest="sha256:00", removed=("/a", "/b"))

    said = explain(Release(view=seen, clause="c-1"), peer="borea", title="A report")

    assert said[1:] == ["It goes without these parts: /a, /b.", "borea may not pass it on."]


def test_why_something_stays_is_said_reason_by_reason_in_their_order():
    reasons = tuple(r for r in EVERY_REASON if r.rule in {Rule.EMBARGO, Rule.UNMARKED})

    said = explain(Withhold(reasons=reasons), peer="borea", title="A report")

    assert said == [
        "Stays: borea gets nothing of “A report” and does not learn that it exists.",
        *map(sentence, reasons),
    ]


@pytest.mark.parametrize(
    "name", ["added", "for", "gained", "lost", "most", "removed", "to", "unknown", "which"]
)
def test_what_lists_several_isolates_each_in_arabic_and_a_single_value_stays_one(name):
    assert fill(f"{{{name}}}", "ar", **{name: "a, b"}) == f"{ISOLATE}a{POP}، {ISOLATE}b{POP}"
    assert fill(f"{{{name}}}", "en", **{name: "a, b"}) == "a, b"
    assert fill("{title}", "ar", title="a, b") == f"{ISOLATE}a, b{POP}"


@pytest.mark.parametrize(
    "sign", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\n\x7f\x9f"
)
def test_no_sign_that_turns_or_breaks_a_line_gets_through(sign):
    assert fill("{title}", "en", title=f"a{sign}b") == "ab"
    assert fill("{title}", "fr", title="é\u2019 b") == "é\u2019 b"
