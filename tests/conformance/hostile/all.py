"""All cases."""

from tests.conformance.hostile import markings, messages, objects, requests, texts

CASES = [
    *texts.case, *objects.case, *markings.MARKINGS, *markings.PATTERNS, *requests.case, *messages.ENVELOPES,
    *messages.FRAMES, *messages.KEYDOCS, *messages.AGREEMENTS,
]  # fmt: skip
