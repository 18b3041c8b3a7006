"""What follows from a node's secret (border.md 5.3): the same each time, and nobody else can tell."""

import hashlib
import hmac
from dataclasses import replace


def test_what_is_derived_is_the_hmac_of_purpose_and_subject_by_the_nodes_secret(stage):
    said = hmac.digest(stage.us.secret, b"commitment\x00tool--1\x00v1", hashlib.sha256)

    assert stage.us.derive("commitment", "tool--1", "v1") == said
    assert (
        stage.us.derive("commitment", "tool--1", "v1") == said
    )  # again: nothing is left of the first
    assert replace(stage.us, secret=b"s" * 32).derive("commitment", "tool--1", "v1") != said
