"""Markings that mean less than they seem to, and patterns that cost whoever runs them dearly.

The door is an import: what comes out is the level that the object stands at here, or why it does not stand here.
``unresolved`` is the most restrictive reading. No pattern is ever run here: what must come out is that it is kept.
"""

from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import IEP_EXTENSION, PAP_EXTENSION, TLP_EXTENSION, pap_id, tlp_id
from tests.conformance.hostile import Cases
from tests.conformance.hostile.objects import AT, UUID, of, tool

case = Cases("marking", "imported")
RED, GREEN, CLEAR = (tlp_id(level) for level in (Tlp.RED, Tlp.GREEN, Tlp.CLEAR))
FRESH = "marking-definition--00000000-0000-4000-8000-0000000000aa"
WHITE_1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"


def marked(*refs, **more):
    return tool(object_marking_refs=list(refs), **more)


def granular(ref, *selectors, **more):
    return tool(granular_markings=[{"marking_ref": ref, "selectors": list(selectors)}], **more)


def defined(**more):
    """A definition of a fresh id and an object under it."""
    body = {"type": "marking-definition", "spec_version": "2.1", "id": FRESH, "created": AT} | more
    return [body, marked(body["id"])]


def statement(text, **more):
    return defined(definition_type="statement", definition={"statement": text}, **more)


def extended(extension, **terms):
    return defined(extensions={extension: {"extension_type": "property-extension"} | terms})


case("honest-green", marked(GREEN), "GREEN")
case("red-and-clear", marked(RED, CLEAR), "RED", "the strictest counts, not the last")
case("clear-and-red", marked(CLEAR, RED), "RED")
case("given-twice", marked(RED, RED), "RED")
case(
    "red-key-twice",
    b'{"objects":[{"type":"tool","object_marking_refs":["' + RED.encode() + b'"],'
    b'"object_marking_refs":["' + CLEAR.encode() + b'"]}]}',
    "gate-duplicate-key",
    "stix2 reads CLEAR",
)
case("empty-list", tool(object_marking_refs=[]), "stix-list")
case("a-text", tool(object_marking_refs=RED), "stix-list")
case("null", tool(object_marking_refs=None), "stix-list")
case("of-another-type", marked(f"tool--{UUID}"), "stix-reference")
case("in-capitals", marked(RED.upper()), "stix-reference")
case("with-newline", marked(RED + "\n"), "stix-reference")
case("fullwidth-digit", marked(RED.replace("8", "\uff18", 1)), "stix-reference")
case("next-to-red", marked(RED[:-1] + "0"), "unresolved", "an id that differs in its last digit")
case("unknown", marked(FRESH), "unresolved")
case("unknown-beside-clear", marked(CLEAR, FRESH), "unresolved")
case("tlp-1-white", marked(WHITE_1), "CLEAR")
case("pap-alone", marked(pap_id(Pap.RED)), "AMBER", "no TLP: nobody has marked it")
case(
    "property-of-another-name",
    tool(object_markings_refs=[RED]),
    "AMBER",
    "a name that nobody reads is unmarked",
)
case(
    "tlp-in-labels", tool(labels=["tlp:red"]), "AMBER", "a label is no marking, and lowers nothing"
)
# --- granular --------------------------------------------------------------------------------------------
case(
    "granular-red-on-clear",
    granular(RED, "name", object_marking_refs=[CLEAR]),
    "RED",
    "whole object for readers here",
)
case(
    "granular-clear-on-red",
    granular(CLEAR, "name", object_marking_refs=[RED]),
    "RED",
    "granular never lowers",
)
case("granular-at-nothing", granular(RED, "description"), "stix-selector")
case("granular-beyond-a-list", granular(RED, "labels.[9]", labels=["a"]), "stix-selector")
case("granular-index-minus-one", granular(RED, "labels.[-1]", labels=["a"]), "stix-selector")
case("granular-index-with-nought", granular(RED, "labels.[00]", labels=["a"]), "stix-selector")
case("granular-index-arabic", granular(RED, "labels.[\u0660]", labels=["a"]), "stix-selector")
case(
    "granular-on-the-markings",
    granular(RED, "object_marking_refs", object_marking_refs=[CLEAR]),
    "stix-selector",
)
case("granular-on-itself", granular(RED, "granular_markings"), "stix-selector")
case("granular-star", granular(RED, "*"), "stix-selector")
case("granular-empty-selector", granular(RED, ""), "stix-selector")
case("granular-no-selectors", tool(granular_markings=[{"marking_ref": RED}]), "stix-selector")
case(
    "granular-two-ways",
    tool(granular_markings=[{"marking_ref": RED, "lang": "en", "selectors": ["name"]}]),
    "stix-granular-marking",
)
case("granular-neither", tool(granular_markings=[{"selectors": ["name"]}]), "stix-granular-marking")
case("granular-unknown", granular(FRESH, "name", object_marking_refs=[CLEAR]), "unresolved")
case(
    "granular-a-map",
    tool(granular_markings={"marking_ref": RED, "selectors": ["name"]}),
    "stix-list",
)
case(
    "granular-of-a-million-dots",
    lambda: granular(RED, "x" + ".x" * 500_000, x_mine="y"),
    "stix-selector",
    "each dot might end a key",
)
case(
    "granular-100000",
    lambda: tool(
        labels=["a"],
        object_marking_refs=[CLEAR],
        granular_markings=[{"marking_ref": RED, "selectors": ["labels.[0]"]}] * 100_000,
    ),
    "RED",
    "cost stays small",
)
case("granular-id", granular(RED, "id", object_marking_refs=[CLEAR]), "RED")
# --- definitions -----------------------------------------------------------------------------------------
case(
    "forged-red-body-green",
    [
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": RED,
            "created": "2022-10-01T00:00:00.000Z",
            "name": "TLP:GREEN",
            "extensions": {
                TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "green"}
            },
        },
        marked(RED),
    ],
    "marking-forged marking-forged",
)
case(
    "forged-clear-body-empty",
    [
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": CLEAR,
            "created": "2022-10-01T00:00:00.000Z",
            "extensions": {
                EXT: {"extension_type": "property-extension"}
                for EXT in ("extension-definition--" + UUID,)
            },
        },
        marked(CLEAR),
    ],
    "marking-forged marking-forged",
    "a body that says no level",
)
case(
    "forged-name-only",
    [
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": CLEAR,
            "created": "2022-10-01T00:00:00.000Z",
            "name": "TLP:RED",
            "extensions": {
                TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "clear"}
            },
        },
        marked(CLEAR),
    ],
    "marking-forged marking-forged",
    "people read the name",
)
case(
    "fresh-tlp-1",
    defined(definition_type="tlp", definition={"tlp": "white"}),
    "marking-unknown unresolved",
)
case("fresh-tlp-2", extended(TLP_EXTENSION, tlp_2_0="clear"), "marking-unknown unresolved")
case("fresh-pap", extended(PAP_EXTENSION, pap="white"), "marking-unknown unresolved")
case(
    "marks-itself",
    defined(
        definition_type="statement", definition={"statement": "x"}, object_marking_refs=[FRESH]
    ),
    "stix-marking unresolved",
)
case(
    "has-versions",
    defined(definition_type="statement", definition={"statement": "x"}, modified=AT),
    "stix-excluded unresolved",
)
case(
    "of-no-kind",
    defined(definition_type="custom", definition={"x": 1}),
    "marking-unknown unresolved",
)
case(
    "statement-honest",
    statement("Copyright 2026"),
    "defined AMBER",
    "inert; the object is unmarked",
)
case("statement-tlp", statement("TLP:CLEAR"), "marking-unknown unresolved")
case(
    "statement-tlp-spaced",
    statement("T L P : R E D"),
    "defined AMBER",
    "no reader takes it for a level",
)
case("statement-tlp-hyphens", statement("tlp-red"), "marking-unknown unresolved")
case("statement-zero-width", statement("T\u200bLP:CLEAR"), "marking-unknown unresolved")
case("statement-joiner", statement("TLP\u2060:CLEAR"), "marking-unknown unresolved")
case(
    "statement-combining",
    statement("T\u0336L\u0336P:CLEAR"),
    "marking-unknown unresolved",
    "struck through",
)
case(
    "statement-fullwidth", statement("\uff34\uff2c\uff30\uff1aCLEAR"), "marking-unknown unresolved"
)
case(
    "statement-mathematical",
    statement("\U0001d413\U0001d40b\U0001d40f:CLEAR"),
    "marking-unknown unresolved",
)
case(
    "statement-cyrillic",
    statement("\u0422LP:CLEAR"),
    "marking-unknown unresolved",
    "a Cyrillic T looks the same",
)
case(
    "statement-greek",
    statement("\u03a4L\u03a1:CLEAR"),
    "marking-unknown unresolved",
    "Greek capitals tau and rho",
)
case(
    "statement-turned", statement("RAELC:PLT\u202e"), "defined AMBER", "turned round by an override"
)
case("statement-colour-alone", statement(" Green. "), "marking-unknown unresolved")
case(
    "statement-in-a-sentence",
    statement("Handled as traffic-light amber"),
    "marking-unknown unresolved",
)
case(
    "statement-title-in-name",
    statement("Copyright", name="TLP:CLEAR"),
    "marking-unknown unresolved",
)
case(
    "statement-with-more",
    defined(definition_type="statement", definition={"statement": "x", "tlp": "clear"}),
    "marking-unknown unresolved",
)
case(
    "statement-a-list",
    defined(definition_type="statement", definition={"statement": ["TLP:CLEAR"]}),
    "marking-unknown unresolved",
)
case(
    "opencti-field", statement("x", x_opencti_definition="TLP:CLEAR"), "marking-unknown unresolved"
)
case("iep-green", extended(IEP_EXTENSION, name="p", tlp="green"), "defined GREEN")
case(
    "iep-of-no-colour",
    extended(IEP_EXTENSION, name="p", tlp="ultraviolet"),
    "marking-unknown unresolved",
)
case(
    "iep-by-reference",
    extended(IEP_EXTENSION, id_ref="http://a.example/policy"),
    "marking-unknown unresolved",
    "nothing is fetched",
)
case(
    "iep-start-no-instant",
    extended(IEP_EXTENSION, name="p", start_date="tomorrow"),
    "marking-unknown unresolved",
)
case(
    "iep-beside-another",
    defined(
        extensions={
            IEP_EXTENSION: {"extension_type": "property-extension", "tlp": "clear"},
            "extension-definition--" + UUID: {"extension_type": "property-extension"},
        }
    ),
    "marking-unknown unresolved",
)
case(
    "definition-after-its-object",
    list(
        reversed(
            defined(
                extensions={IEP_EXTENSION: {"extension_type": "property-extension", "tlp": "red"}}
            )
        )
    ),
    "RED defined",
    "order does not matter",
)
MARKINGS = list(case)

case = Cases("pattern", "imported")


def indicator(pattern, kind="stix", **more):
    return of(
        "indicator",
        pattern=pattern,
        pattern_type=kind,
        valid_from=AT,
        object_marking_refs=[GREEN],
        **more,
    )


ADDR = "[ipv4-addr:value = '1.2.3.4']"
case("honest", indicator(ADDR), "GREEN")
case(
    "nested-2000",
    lambda: indicator("[" + "(" * 2000 + "ipv4-addr:value = '1.2.3.4'" + ")" * 2000 + "]"),
    "GREEN",
    "stix2-patterns overflows its stack",
)
case("2000-ors", lambda: indicator(" OR ".join([ADDR] * 2000)), "GREEN")
case("10000-followedby", lambda: indicator(" FOLLOWEDBY ".join([ADDR] * 10_000)), "GREEN")
case("repeats-1e9", indicator(ADDR + " REPEATS 1000000000 TIMES"), "GREEN")
case("within-1e308", indicator(ADDR + " WITHIN " + "9" * 308 + " SECONDS"), "GREEN")
case("regex-catastrophic", indicator("[file:name MATCHES '(a+)+$']"), "GREEN")
case("regex-alternation", indicator("[file:name MATCHES '(a|a)*b']"), "GREEN")
case("regex-backreference", indicator(r"[file:name MATCHES '(.*)\\1\\1\\1']"), "GREEN")
case("regex-counted", indicator("[file:name MATCHES '((a{1000}){1000}){1000}']"), "GREEN")
case("regex-lookbehind", indicator("[file:name MATCHES '(?<!(?<=a)*)b']"), "GREEN")
case("regex-code", indicator("[file:name MATCHES '(?{system(1)})']"), "GREEN")
case(
    "like-all",
    indicator("[domain-name:value LIKE '%']"),
    "GREEN",
    "over-broad: matching decides, never here",
)
case(
    "set-of-100000",
    lambda: indicator(
        "[ipv4-addr:value IN ("
        + ",".join(f"'10.0.{n >> 8}.{n & 255}'" for n in range(100_000))
        + ")]"
    ),
    "GREEN",
)
case("path-of-10000", lambda: indicator("[file:" + ".".join(["x"] * 10_000) + " = 'y']"), "GREEN")
case(
    "nul-escape", b'{"objects":[{"type":"indicator","pattern":"[a:b = \'\\u0000\']"}]}', "gate-nul"
)
case(
    "surrogate",
    b'{"objects":[{"type":"indicator","pattern":"[a:b = \'\\ud800\']"}]}',
    "gate-escape",
)
case("binary-literal", indicator("[artifact:payload_bin = b'A" + "A" * 999 + "']"), "GREEN")
case("timestamp-literal", indicator("[a:b = t'9999-99-99T99:99:99Z']"), "GREEN")
case(
    "unclosed",
    indicator("[ipv4-addr:value = '1.2.3.4"),
    "GREEN",
    "kept as it is said; no rule reads it here",
)
case("empty", indicator(""), "stix-string")
case("a-list", indicator([ADDR]), "stix-string")
case("a-map", indicator({"$where": "1"}), "stix-string")
case("missing", of("indicator", pattern_type="stix", valid_from=AT), "stix-required")
case(
    "yara-import",
    indicator('import "pe" rule x { condition: for all i in (0..9999999) : ( i > 0 ) }', "yara"),
    "GREEN",
)
case("yara-include", indicator('include "/etc/passwd"', "yara"), "GREEN", "no file is opened")
case(
    "sigma-yaml-bomb",
    indicator("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ndetection: *c", "sigma"),
    "GREEN",
)
case(
    "snort-injection",
    indicator('alert tcp any any -> any any (msg:"x"; content:"|00|"; sid:1;)\nbad', "snort"),
    "GREEN",
)
case("of-no-kind", indicator("x", ""), "stix-string")
case("valid-never", indicator(ADDR, valid_until="2020-01-01T00:00:00.000Z"), "stix-order")
case(
    "eight-mebibytes",
    lambda: indicator("[a:b = '" + "x" * (8 << 20) + "']"),
    "GREEN",
    "cost stays small",
)
PATTERNS = list(case)
