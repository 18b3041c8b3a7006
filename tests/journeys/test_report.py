"""An analyst reads a report, reviews what stands in it, and takes some of it in."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app
from tests.papers import pdf

TEXT = """TLP:AMBER
Cold River asks update-check[.]top for orders.
It may also ask odd-host.top at night.
Used by T1059.001 through CVE-2024-1234. See https://attack.mitre.org/ for more."""


@pytest.fixture
def say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cold.pdf").write_bytes(pdf(TEXT, title="Cold River"))

    def run(*args, language="en", code=0):
        done = CliRunner().invoke(
            app, args, env={"MITHAQ_HOME": str(tmp_path / "home"), "MITHAQ_LANG": language}
        )
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.output

    run("init", "--nation", "aurelia", "--url", "https://aurelia.example", "--country", "QM")
    run("actor", "add", "ana", "--role", "analyst")
    run("actor", "add", "aud", "--role", "auditor")
    return run


TAKE = (
    "report",
    "take",
    "cold.pdf",
    "--review",
    "review.csv",
    "--source",
    "vendor",
    "--tlp",
    "GREEN",
)


def review(tmp_path, **said):
    """Decide what the sheet leaves open."""
    rows = list(csv.DictReader(io.StringIO((tmp_path / "review.csv").read_text("utf-8-sig"))))
    into = io.StringIO()
    table = csv.DictWriter(into, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(row | {"take": said.get(row["kind"], row["take"])} for row in rows)
    (tmp_path / "review.csv").write_text(into.getvalue())


def test_what_was_reviewed_becomes_indicators_and_a_report_under_the_documents_marking(
    say, tmp_path
):
    say("report", "read", "cold.pdf", "--out", "review.csv")
    unfinished = say(*TAKE, "--as", "ana", code=2)
    review(tmp_path, domain="yes")

    [done] = json.loads(say(*TAKE, "--as", "ana", "--json"))
    [again] = json.loads(say(*TAKE, "--as", "ana", "--json"))
    found = json.loads(say("search", "update-check.top", "--as", "ana", "--json"))
    [whole] = json.loads(say("search", "Cold River", "--type", "report", "--as", "ana", "--json"))
    shown = json.loads(say("show", whole["id"], "--as", "ana", "--json"))

    assert "report-open" in unfinished
    assert (done["stored"], again["stored"], again["known"]) == (3, 0, 3)
    assert {each["marking"] for each in (*found, whole)} == {"TLP:AMBER"}
    assert shown["object"]["object_refs"] == [
        each["id"] for each in shown["related"] if each["type"] == "indicator"
    ]
    assert {each.get("external_id") for each in shown["object"]["external_references"]} >= {
        "T1059.001", "CVE-2024-1234",
    }  # fmt: skip
    indicator = json.loads(say("show", found[0]["id"], "--as", "ana", "--json"))["object"]
    assert indicator["description"] == "Cold River asks update-check[.]top for orders."
    assert indicator["external_references"] == [
        {"source_name": "Cold River", "description": "page 1, line 2"}
    ]


def test_nothing_is_taken_without_a_review_unless_that_is_said(say):
    say("report", "take", "cold.pdf", "--as", "ana", code=2)
    say("report", "take", "cold.pdf", "--review", "x.csv", "--suggested", "--as", "ana", code=2)

    [done] = json.loads(say("report", "take", "cold.pdf", "--suggested", "--as", "ana", "--json"))

    assert done["stored"] == 2  # one indicator, and the report


def test_what_was_decided_otherwise_is_a_new_version_of_the_same_report(say, tmp_path):
    say("report", "read", "cold.pdf", "--out", "review.csv")
    review(tmp_path, domain="no", url="yes")
    say(*TAKE, "--as", "ana")
    review(tmp_path, domain="yes")

    [done] = json.loads(say(*TAKE, "--as", "ana", "--json"))

    assert (done["stored"], done["known"]) == (3, 1)


def test_whoever_may_not_import_takes_nothing(say, tmp_path):
    say("report", "read", "cold.pdf", "--out", "review.csv")
    review(tmp_path, domain="yes")

    assert "forbidden" in say(*TAKE, "--as", "aud", code=3)
    assert json.loads(say("search", "update-check.top", "--as", "ana", "--json")) == []


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_reader_is_shown_findings_as_they_are_written_with_their_sentences(say, language):
    shown = say("report", "read", "cold.pdf", language=language)

    assert "Cold River asks update-check[.]top for orders." in shown
    read = json.loads(say("report", "read", "cold.pdf", "--json", language=language))
    assert (read["form"], read["title"], read["tlp"]) == ("pdf", "Cold River", "AMBER")
    assert [(each["value"], each["advice"], each["because"]) for each in read["findings"]] == [
        ("update-check.top", "take", "defanged"),
        ("T1059.001", "take", "told"),
        ("CVE-2024-1234", "take", "told"),
        ("odd-host.top", "look", "prose"),
        ("https://attack.mitre.org/", "leave", "reference"),
    ]


def test_a_sheet_is_never_written_over(say, tmp_path):
    (tmp_path / "review.csv").write_text("mine")

    say("report", "read", "cold.pdf", "--out", "review.csv", code=2)

    assert (tmp_path / "review.csv").read_text() == "mine"
