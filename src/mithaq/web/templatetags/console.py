"""What templates say: sentences of the words, markings, technical strings and instants, each isolated."""

import re
from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from mithaq.languages import Catalogue, plain

register = template.Library()
# Stand for a fact while a sentence is escaped; no text holds them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_TYPED = re.compile("`([^`]*)`")


@register.simple_tag(takes_context=True)
def say(context: Any, key: str, **facts: object) -> SafeString:  # noqa: ANN401 Django's
    """Return a sentence with facts, each a run of its own whichever way it is written.

    One that counts (``count``) has a sentence for each form of the language: ``KEY.one``, ``KEY.other``.
    """
    words: Catalogue = context["words"]
    if "count" in facts and f"{key}.other" in words.sentences:
        key = f"{key}.{form(words, int(str(facts['count'])))}"
    marks = {name: f"{_OPEN}{at}{_CLOSE}" for at, name in enumerate(facts)}
    said = str(escape(words.sentences[key].format_map(marks)))
    said = _TYPED.sub(r'<code class="mq-tech" dir="ltr">\1</code>', said)
    for name, mark in marks.items():
        said = said.replace(mark, _isolated(words, facts[name]))
    return mark_safe(said)  # noqa: S308 the sentence is escaped, and each fact


def _isolated(words: Catalogue, fact: object) -> str:
    if isinstance(fact, SafeString):
        return fact
    if isinstance(fact, int):
        return format_html(
            '<bdi dir="ltr">{}</bdi>', f"{fact:,}".replace(",", words.say("thousands"))
        )
    return format_html("<bdi>{}</bdi>", plain(str(fact)))


def form(words: Catalogue, count: int) -> str:
    """Return which form of a sentence a language has for a number (CLDR, cardinal)."""
    if words.language == "fr":
        return "one" if count in {0, 1} else "other"
    if words.language != "ar":
        return "one" if count == 1 else "other"
    exact = {0: "zero", 1: "one", 2: "two"}
    if count in exact:
        return exact[count]
    rest = count % 100
    if 3 <= rest <= 10:  # noqa: PLR2004 as CLDR has it
        return "few"
    return "many" if 11 <= rest <= 99 else "other"  # noqa: PLR2004


@register.simple_tag
def marking(label: str) -> SafeString:
    """Return a marking as FIRST has it: never translated, never alone a colour."""
    name = label.removeprefix("TLP:").lower().replace("+", "-")
    return format_html('<span class="mq-tlp mq-{}" dir="ltr">{}</span>', name, label)


@register.simple_tag
def tech(value: object) -> SafeString:
    """Return a technical string: left to right wherever it stands."""
    return format_html('<bdi class="mq-tech" dir="ltr">{}</bdi>', plain(str(value)))


@register.simple_tag
def outside(value: object) -> SafeString:
    """Return a name that others gave."""
    return format_html("<bdi>{}</bdi>", plain(str(value)))


@register.simple_tag(takes_context=True)
def count(context: Any, many: int) -> SafeString:  # noqa: ANN401 Django's
    """Return a number with the language's sign between thousands."""
    written = f"{many:,}".replace(",", context["words"].say("thousands"))
    return format_html('<bdi class="mq-num" dir="ltr">{}</bdi>', written)


@register.simple_tag
def clock(at: datetime, seconds: bool = False) -> SafeString:  # noqa: FBT001, FBT002 a template's word
    """Return the time of day, in UTC."""
    written = f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"
    return format_html(
        '<time class="mq-num" dir="ltr" datetime="{}">{}</time>', at.isoformat(), written
    )


@register.simple_tag(takes_context=True)
def day(context: Any, at: datetime) -> SafeString:  # noqa: ANN401 Django's
    """Return a day, its month by name."""
    words: Catalogue = context["words"]
    facts = {"day": str(at.day), "month": words.say(f"month.{at.month}"), "year": str(at.year)}
    number = words.say("first-day") if at.day == 1 else facts["day"]
    return format_html(
        '<time class="mq-date" datetime="{}">{}</time>',
        at.date().isoformat(),
        words.sentences["date"].format_map({**facts, "day": number}),
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return a picture beside a word."""
    return format_html(
        '<svg class="mq-icon mq-i-{}" aria-hidden="true"><use href="/static/console/icons.svg#{}"></use></svg>',
        name,
        name,
    )


@register.simple_tag(takes_context=True)
def entry(context: Any, name: str, active: str) -> SafeString:  # noqa: ANN401 Django's
    """Return the link to a part of the console."""
    return format_html(
        '<a href="{}"{}>{}<span>{}</span></a>',
        reverse(name),
        mark_safe(' aria-current="page"') if name == active else "",
        icon(name),
        context["words"].say(f"{name}.name"),
    )


_FAULTS = {  # of allauth and Django -> of our words
    "password_too_short": "too-short", "password_too_common": "too-common", "password_too_similar": "too-similar",
    "differs": "differs", "username_password_mismatch": "mismatch", "email_password_mismatch": "mismatch",
    "too_many_login_attempts": "too-many", "rate_limited": "too-many", "incorrect_code": "code",
    "incorrect_password": "password", "enter_current_password": "password", "required": "required",
    "same_password_twice": "differs", "password_mismatch": "differs",
}  # fmt: skip


@register.simple_tag(takes_context=True)
def fault(context: Any, code: str) -> str:  # noqa: ANN401 Django's
    """Return the sentence for what is wrong with a form."""
    words: Catalogue = context["words"]
    return words.say(f"fault.{_FAULTS.get(code, 'other')}")


@register.filter
def codes(form: Any) -> list[str]:  # noqa: ANN401 a form of Django's, or nothing
    """Return the codes of what is wrong with a form."""
    if not form or not form.errors:
        return []
    found = [each.code for some in form.errors.as_data().values() for each in some]
    return list(dict.fromkeys(str(code) for code in found))
