"""Sentences, figures and dates as each language writes them, as HTML."""

from dataclasses import dataclass
from datetime import date

from mithaq.brief.html import Html, number, tag, text
from mithaq.clock import parse
from mithaq.languages import Catalogue

_OPEN, _CLOSE = (
    "\ue000",
    "\ue001",
)  # stand for a fact while a sentence is escaped; no text holds them


@dataclass(frozen=True, slots=True)
class Writing:
    """How one language writes."""

    words: Catalogue

    @property
    def language(self) -> str:
        """Its code."""
        return self.words.language

    def say(self, key: str) -> str:
        """Return a sentence without facts."""
        return self.words.say(key)

    def known(self, key: str) -> str | None:
        """Return a word, if this language has one for it."""
        return self.words.sentences.get(key)

    def tell(self, key: str, **facts: Html) -> Html:
        """Return a sentence with facts that are HTML already."""
        marks = {name: f"{_OPEN}{at}{_CLOSE}" for at, name in enumerate(facts)}
        said = str(text(self.words.sentences[key].format_map(marks)))
        for name, mark in marks.items():
            said = said.replace(mark, facts[name])
        return Html(said)

    def count(self, many: int) -> Html:
        """Write a number of things."""
        return number(self.digits(many))

    def digits(self, many: int) -> str:
        """Write a number with the language's sign between thousands."""
        return f"{many:,}".replace(",", self.say("thousands"))

    def day(self, on: date) -> Html:
        """Write a day, its month by name."""
        month = text(self.say(f"month.{on.month}"))
        number_of_day = self.say("first-day") if on.day == 1 else str(on.day)
        facts = {"day": Html(number_of_day), "month": month, "year": Html(str(on.year))}
        return tag("time", self.tell("date", **facts), datetime=on.isoformat(), class_="date")

    def span(self, first: date, last: date) -> Html:
        """Write the days from one to another."""
        if first == last:
            return self.day(last)
        return self.tell("span", first=self.day(first), last=self.day(last))

    def instant(self, written: str) -> Html:
        """Write an instant to the minute, in UTC."""
        at = parse(written)
        return Html(f"{self.day(at.date())} {number(f'{at:%H:%M}')}")
