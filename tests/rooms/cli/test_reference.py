"""The reference that ships says what the command says."""

from pathlib import Path

from mithaq.cli.reference import reference
from mithaq.languages import catalogue

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_reference_is_made_from_the_help_of_today():
    made = reference(catalogue("mithaq.cli", "en"))

    assert PAGE.read_text("utf-8") == made, "python -m mithaq.cli.reference > docs/cli.md"


def test_it_shows_needed_options_and_exit_codes():
    made = reference(catalogue("mithaq.cli", "en"))

    assert "- `--agreement ID` *(needed)*" in made
    assert "| 5 | the state of things forbids it now |" in made
