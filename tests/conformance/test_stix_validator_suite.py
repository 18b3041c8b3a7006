"""The suite of the OASIS STIX validator: instances with the verdict and options it recorded.

What it calls an error with a number in braces is a SHOULD of the standard, which we accept. Where we differ
otherwise the standard decides; every such case is named here with the reason.

Source: oasis-open/cti-stix-validator, commit 9e4a1ea (BSD-3-Clause).
"""

import json
import re
from pathlib import Path

import pytest

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal

FILE = Path(__file__).parents[3] / "shared" / "data" / "stix_cases" / "validator_suite.json"
SHOULD = re.compile(r"[^ ]*: \{[0-9]{3}\} ")

ACCEPTED = {  # the validator names an error, we do not
    "an option of its own forbids the custom content that section 11 allows": {
        "attack_pattern": "1 2 5 6 9 11 12 15",
        "custom_obj": "75",
        "indicator": "103",
        "observed_data": "336 338 339 342 343 346 347 349 350 354 355 359 360 366 368 369 374 375 381",
    },
    "an option asks for an interoperability profile, not for STIX": {"interop": "165 166"},
    "an option asks for STIX 2.0": {"spec_version": "480 498"},
    "only a schema of the extension's own can tell": {"indicator": "105", "observed_data": "289"},
    "only a registry of character sets or languages can tell": {"observed_data": "302 309 402"},
    "a media type SHOULD be one of IANA's (6.1)": {"observed_data": "292"},
    "what a marking definition means is judged by `classify`": {"marking_definition": "247"},
}
REFUSED = {  # we name an error, the validator does not, or only a SHOULD
    "created_by_ref names no identity (3.2)": {
        "indicator": "102 109 110 111 116 117 118 119 120 121 122 123 124 125 126 130 134 136 139 141"
        " 142 144 146 147 150 151 152 153 154 160 161 162 163",
        "util": "538",
    },
    "a reference is one digit short of an identifier (2.9)": {
        "network_traffic": "269 271 272 273 274 275 276 277 278 279 281 282 283 286 287 288"
    },
    "an object of STIX 2.0, in no bundle of 2.0": {"spec_version": "483 486 489 492 496 499 501"},
}


def _names(differences: dict[str, dict[str, str]]) -> set[str]:
    return {
        f"{topic}-{number}"
        for topics in differences.values()
        for topic, numbers in topics.items()
        for number in numbers.split()
    }


def _cases() -> list[dict]:
    if not FILE.exists():
        return []
    cases = json.loads(FILE.read_text("utf-8"))["cases"]
    return [case | {"name": f"{case['topic']}-{n}"} for n, case in enumerate(cases)]


CASES = _cases()


def _is_accepted(instance: object) -> bool:
    try:
        found = list(BUILT_IN.read(json.dumps(instance).encode()))
    except InputError:
        return False
    return not any(isinstance(each, Refusal) for each in found)


@pytest.mark.skipif(not CASES, reason="no ../shared/data/stix_cases beside the checkout")
@pytest.mark.parametrize("topic", sorted({case["topic"] for case in CASES}) or [""])
def test_we_judge_as_the_validator_does_but_for_the_cases_named(topic):
    cases = [case for case in CASES if case["topic"] == topic]

    differ = set()
    for case in cases:
        wanted = case["valid"] or all(map(SHOULD.match, case["errors"]))
        if _is_accepted(case["instance"]) != wanted:
            differ.add((case["name"], "refused" if wanted else "accepted"))

    names = {case["name"] for case in cases}
    expected = {(name, "accepted") for name in _names(ACCEPTED) & names}
    expected |= {(name, "refused") for name in _names(REFUSED) & names}
    assert differ == expected


@pytest.mark.skipif(not CASES, reason="no ../shared/data/stix_cases beside the checkout")
def test_every_difference_named_is_a_case_of_the_suite():
    assert (_names(ACCEPTED) | _names(REFUSED)) <= {case["name"] for case in CASES}
