"""What STIX 2.1 demands of each object type: the tables of its parts 4 to 7, and nothing else."""

from collections.abc import Mapping

SDO: Mapping[str, frozenset[str]] = {
    "attack-pattern": frozenset({"name"}),
    "campaign": frozenset({"name"}),
    "course-of-action": frozenset({"name"}),
    "grouping": frozenset({"context", "object_refs"}),
    "identity": frozenset({"name"}),
    "incident": frozenset({"name"}),
    "indicator": frozenset({"pattern", "pattern_type", "valid_from"}),
    "infrastructure": frozenset({"name"}),
    "intrusion-set": frozenset({"name"}),
    "location": frozenset(),
    "malware": frozenset({"is_family"}),
    "malware-analysis": frozenset({"product"}),
    "note": frozenset({"content", "object_refs"}),
    "observed-data": frozenset({"first_observed", "last_observed", "number_observed"}),
    "opinion": frozenset({"opinion", "object_refs"}),
    "report": frozenset({"name", "published", "object_refs"}),
    "threat-actor": frozenset({"name"}),
    "tool": frozenset({"name"}),
    "vulnerability": frozenset({"name"}),
}
SRO: Mapping[str, frozenset[str]] = {
    "relationship": frozenset({"relationship_type", "source_ref", "target_ref"}),
    "sighting": frozenset({"sighting_of_ref"}),
}
META: Mapping[str, frozenset[str]] = {
    "language-content": frozenset({"object_ref", "contents"}),
    "extension-definition": frozenset(
        {"created_by_ref", "name", "schema", "version", "extension_types"}
    ),
}
SCO: Mapping[str, frozenset[str]] = {
    "artifact": frozenset(),
    "autonomous-system": frozenset({"number"}),
    "directory": frozenset({"path"}),
    "domain-name": frozenset({"value"}),
    "email-addr": frozenset({"value"}),
    "email-message": frozenset({"is_multipart"}),
    "file": frozenset(),
    "ipv4-addr": frozenset({"value"}),
    "ipv6-addr": frozenset({"value"}),
    "mac-addr": frozenset({"value"}),
    "mutex": frozenset({"name"}),
    "network-traffic": frozenset({"protocols"}),
    "process": frozenset(),
    "software": frozenset({"name"}),
    "url": frozenset({"value"}),
    "user-account": frozenset(),
    "windows-registry-key": frozenset(),
    "x509-certificate": frozenset(),
}
VERSIONED: Mapping[str, frozenset[str]] = {**SDO, **SRO, **META}
REQUIRED: Mapping[str, frozenset[str]] = {**VERSIONED, **SCO}

# At least one whole group must be there.
ONE_OF: Mapping[str, tuple[frozenset[str], ...]] = {
    "location": (
        frozenset({"region"}),
        frozenset({"country"}),
        frozenset({"latitude", "longitude"}),
    ),
    "observed-data": (frozenset({"objects"}), frozenset({"object_refs"})),
    "file": (frozenset({"hashes"}), frozenset({"name"})),
    "network-traffic": (frozenset({"src_ref"}), frozenset({"dst_ref"})),
    "artifact": (frozenset({"payload_bin"}), frozenset({"url"})),
    "marking-definition": (
        frozenset({"definition_type", "definition"}),
        frozenset({"extensions"}),
    ),
    "malware-analysis": (frozenset({"result"}), frozenset({"analysis_sco_refs"})),
}

# property -> what it must be; checked wherever it stands at the top of a type of the standard
TIMES = frozenset(
    {
        "created", "modified", "valid_from", "valid_until", "first_seen", "last_seen", "published",
        "first_observed", "last_observed", "start_time", "stop_time", "submitted",
        "analysis_started", "analysis_ended", "object_modified",
    }
)  # fmt: skip
STRINGS = frozenset(
    {
        "name", "description", "pattern", "pattern_type", "pattern_version", "context", "content",
        "relationship_type", "product", "schema", "version", "lang", "identity_class", "sophistication",
        "resource_level", "primary_motivation", "opinion", "definition_type", "path", "objective",
    }
)  # fmt: skip
LISTS = frozenset(
    {
        "labels", "external_references", "object_marking_refs", "granular_markings", "kill_chain_phases",
        "aliases", "roles", "sectors", "goals", "indicator_types", "malware_types", "tool_types",
        "threat_actor_types", "report_types", "infrastructure_types", "authors", "protocols",
        "secondary_motivations", "personal_motivations", "capabilities", "implementation_languages",
        "architecture_execution_envs", "extension_types",
    }
)  # fmt: skip
BOOLEANS = frozenset({"revoked", "is_family", "is_multipart", "summary", "defanged"})
INTEGERS: Mapping[str, tuple[int, int]] = {
    "confidence": (0, 100),
    "number_observed": (1, 999_999_999),
    "count": (0, 999_999_999),
}
ORDERED = (  # (earlier, later, may be equal)
    ("created", "modified", True),
    ("valid_from", "valid_until", False),
    ("first_seen", "last_seen", True),
    ("first_observed", "last_observed", True),
    ("start_time", "stop_time", True),
)
# single references whose target types the standard names
TARGETS: Mapping[str, frozenset[str]] = {
    "created_by_ref": frozenset({"identity"}),
    "object_marking_refs": frozenset({"marking-definition"}),
    "marking_ref": frozenset({"marking-definition"}),
    "where_sighted_refs": frozenset({"identity", "location"}),
    "observed_data_refs": frozenset({"observed-data"}),
}
NEVER_RELATED = frozenset(
    {
        "relationship",
        "sighting",
        "language-content",
        "extension-definition",
        "marking-definition",
    }
)
