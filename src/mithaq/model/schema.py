"""What STIX 2.1 says of each object type: the tables of its sections 3 to 7, and nothing else.

A property is written ``name:kind``, required ones ``name!:kind``; the kinds are named in ``kinds``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mithaq.model.kinds import Kind, kind_named

_COMMON = """spec_version!:string created_by_ref:ref=identity created!:time modified!:time
        revoked:boolean labels:strings confidence:percent lang:lang
        object_marking_refs:refs=marking-definition"""
_OBSERVABLE = "spec_version:string object_marking_refs:refs=marking-definition defanged:boolean"
_SEEN = "first_seen:time last_seen:time"
_ENDS = "ref=ipv4-addr|ipv6-addr|mac-addr|domain-name"

_SDO = {
    "attack-pattern": "name!:string description:text aliases:strings",
    "campaign": f"name!:string description:text aliases:strings {_SEEN} objective:text",
    "course-of-action": "name!:string description:text",
    "grouping": "name:text description:text context!:string object_refs!:refs",
    "identity": """name!:string description:text roles:strings identity_class:string sectors:strings
        contact_information:text""",
    "incident": "name!:string description:text",
    "indicator": """name:text description:text indicator_types:strings pattern!:string
        pattern_type!:string pattern_version:string valid_from!:time valid_until:time""",
    "infrastructure": f"name!:string description:text infrastructure_types:strings aliases:strings {_SEEN}",
    "intrusion-set": f"""name!:string description:text aliases:strings {_SEEN} goals:strings
        resource_level:string primary_motivation:string secondary_motivations:strings""",
    "location": """name:text description:text latitude:latitude longitude:longitude precision:metres
        region:string country:string administrative_area:text city:text street_address:text
        postal_code:text""",
    "malware": f"""name:string description:text malware_types:strings is_family!:boolean aliases:strings
        {_SEEN} operating_system_refs:refs=software architecture_execution_envs:strings
        implementation_languages:strings capabilities:strings sample_refs:refs=artifact|file""",
    "malware-analysis": """product!:string version:string host_vm_ref:ref=software
        operating_system_ref:ref=software installed_software_refs:refs=software
        configuration_version:string modules:strings analysis_engine_version:string
        analysis_definition_version:string submitted:time analysis_started:time analysis_ended:time
        result_name:string result:string analysis_sco_refs:refs
        sample_ref:ref=artifact|file|network-traffic""",
    "note": "abstract:text content!:text authors:strings object_refs!:refs",
    "observed-data": """first_observed!:time last_observed!:time number_observed!:number-observed
        objects:dictionary object_refs:refs""",
    "opinion": "explanation:text authors:strings opinion!:agreement object_refs!:refs",
    "report": "name!:string description:text report_types:strings published!:time object_refs!:refs",
    "threat-actor": f"""name!:string description:text threat_actor_types:strings aliases:strings {_SEEN}
        roles:strings goals:strings sophistication:string resource_level:string
        primary_motivation:string secondary_motivations:strings personal_motivations:strings""",
    "tool": "name!:string description:text tool_types:strings aliases:strings tool_version:string",
    "vulnerability": "name!:string description:text",
}
_SRO = {
    "relationship": """relationship_type!:keyword description:text source_ref!:ref target_ref!:ref
        start_time:time stop_time:time""",
    "sighting": f"""description:text {_SEEN} count:count sighting_of_ref!:ref
        observed_data_refs:refs=observed-data where_sighted_refs:refs=identity|location summary:boolean""",
}
_META = {
    "language-content": "object_ref!:ref object_modified:time contents!:dictionary",
    "extension-definition": """created_by_ref!:ref=identity description:text name!:string schema!:string
        version!:string extension_types!:[extension-kind] extension_properties:strings""",
}
_MARKING = """spec_version!:string created_by_ref:ref=identity created!:time name:text
        definition_type:string definition:dictionary object_marking_refs:refs=marking-definition"""
_SCO = {
    "artifact": """mime_type:string payload_bin:binary url:url hashes:hashes
        encryption_algorithm:encryption decryption_key:string""",
    "autonomous-system": "number!:integer name:text rir:string",
    "directory": """path!:string path_enc:string ctime:time mtime:time atime:time
        contains_refs:refs=file|directory""",
    "domain-name": "value!:domain resolves_to_refs:refs=domain-name|ipv4-addr|ipv6-addr",
    "email-addr": "value!:email display_name:text belongs_to_ref:ref=user-account",
    "email-message": """is_multipart!:boolean date:time content_type:string from_ref:ref=email-addr
        sender_ref:ref=email-addr to_refs:refs=email-addr cc_refs:refs=email-addr
        bcc_refs:refs=email-addr message_id:string subject:text received_lines:strings
        additional_header_fields:dictionary body:text body_multipart:list raw_email_ref:ref=artifact""",
    "file": """hashes:hashes size:size name:string name_enc:string magic_number_hex:hex mime_type:string
        ctime:time mtime:time atime:time parent_directory_ref:ref=directory contains_refs:refs
        content_ref:ref=artifact""",
    "ipv4-addr": "value!:ipv4 resolves_to_refs:refs=mac-addr belongs_to_refs:refs=autonomous-system",
    "ipv6-addr": "value!:ipv6 resolves_to_refs:refs=mac-addr belongs_to_refs:refs=autonomous-system",
    "mac-addr": "value!:mac",
    "mutex": "name!:string",
    "network-traffic": f"""start:time end:time is_active:boolean src_ref:{_ENDS} dst_ref:{_ENDS}
        src_port:port dst_port:port protocols!:strings src_byte_count:size dst_byte_count:size
        src_packets:size dst_packets:size ipfix:dictionary src_payload_ref:ref=artifact
        dst_payload_ref:ref=artifact encapsulates_refs:refs=network-traffic
        encapsulated_by_ref:ref=network-traffic""",
    "process": """is_hidden:boolean pid:integer created_time:time cwd:text command_line:text
        environment_variables:dictionary opened_connection_refs:refs=network-traffic
        creator_user_ref:ref=user-account image_ref:ref=file parent_ref:ref=process
        child_refs:refs=process""",
    "software": "name!:string cpe:cpe swid:string languages:[lang] vendor:text version:text",
    "url": "value!:url",
    "user-account": """user_id:string credential:text account_login:string account_type:string
        display_name:text is_service_account:boolean is_privileged:boolean can_escalate_privs:boolean
        is_disabled:boolean account_created:time account_expires:time credential_last_changed:time
        account_first_login:time account_last_login:time""",
    "windows-registry-key": """key:hive values:list modified_time:time creator_user_ref:ref=user-account
        number_of_subkeys:size""",
    "x509-certificate": """is_self_signed:boolean hashes:hashes version:string serial_number:string
        signature_algorithm:string issuer:string validity_not_before:time validity_not_after:time
        subject:string subject_public_key_algorithm:string subject_public_key_modulus:string
        subject_public_key_exponent:integer x509_v3_extensions:dictionary""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """One type's properties with their kinds, and which of them must be there."""

    properties: Mapping[str, Kind]
    required: frozenset[str]


def _parse(*parts: str) -> ObjectType:
    properties: dict[str, Kind] = {}
    required: set[str] = set()
    for written in " ".join(parts).split():
        name, _, kind = written.partition(":")
        if name.endswith("!"):
            name = name.removesuffix("!")
            required.add(name)
        properties[name] = kind_named(kind)
    return ObjectType(properties=properties, required=frozenset(required))


def _read() -> dict[str, ObjectType]:
    found = {name: _parse(_COMMON, own) for name, own in {**_SDO, **_SRO, **_META}.items()}
    found |= {name: _parse(_OBSERVABLE, own) for name, own in _SCO.items()}
    found["marking-definition"] = _parse(_MARKING)
    return found


TYPES: Mapping[str, ObjectType] = _read()
CUSTOM = _parse(_COMMON)  # a domain object of a type that is none of the standard's
CUSTOM_SCO = _parse(_OBSERVABLE)
SCO = frozenset(_SCO)

Groups: TypeAlias = tuple[frozenset[str], ...]


def _groups(*groups: str) -> Groups:
    return tuple(frozenset(group.split()) for group in groups)


# at least one whole group must be there
ONE_OF: Mapping[str, Groups] = {
    "location": _groups("region", "country", "latitude longitude"),
    "observed-data": _groups("objects", "object_refs"),
    "file": _groups("hashes", "name"),
    "network-traffic": _groups("src_ref", "dst_ref"),
    "artifact": _groups("payload_bin", "url hashes"),
    "marking-definition": _groups("definition_type definition", "extensions"),
    "malware-analysis": _groups("result", "analysis_sco_refs"),
}
# at least one property of the type's own must be there
NOT_BARE = frozenset({"process", "user-account", "windows-registry-key", "x509-certificate"})
# the first needs the second
NEEDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "location": (
        ("latitude", "longitude"),
        ("longitude", "latitude"),
        ("precision", "latitude"),
    ),
    "artifact": (("decryption_key", "encryption_algorithm"),),
    "file": (("name_enc", "name"),),
    "directory": (("path_enc", "path"),),
}
# not both
EXCLUDES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "observed-data": (("objects", "object_refs"),),
    "artifact": (("payload_bin", "url"),),
    "email-message": (("body", "body_multipart"),),
}
ORDERED = (  # (earlier, later, may be equal)
    ("created", "modified", True),
    ("valid_from", "valid_until", False),
    ("first_seen", "last_seen", True),
    ("first_observed", "last_observed", True),
    ("start_time", "stop_time", False),
    ("start", "end", True),
    ("analysis_started", "analysis_ended", True),
)
# what no relationship may join (section 5.1), and what no sighting may be of (5.2)
NEVER_RELATED = frozenset(
    {
        "relationship",
        "sighting",
        "bundle",
        "language-content",
        "extension-definition",
        "marking-definition",
    }
)
NEVER_SIGHTED = NEVER_RELATED | SCO | {"observed-data"}
# the standard's own extensions (section 6): the one type each may stand in, and its properties
_EXTENSIONS = {
    "archive-ext": ("file", "contains_refs!:refs comment:text"),
    "ntfs-ext": ("file", "sid:string alternate_data_streams:list"),
    "pdf-ext": (
        "file",
        "version:string is_optimized:boolean document_info_dict:dictionary pdfid0:string pdfid1:string",
    ),
    "raster-image-ext": (
        "file",
        "image_height:size image_width:size bits_per_pixel:size exif_tags:dictionary",
    ),
    "windows-pebinary-ext": (
        "file",
        """pe_type!:string imphash:string machine_hex:hex number_of_sections:size time_date_stamp:time
        pointer_to_symbol_table_hex:hex number_of_symbols:size size_of_optional_header:size
        characteristics_hex:hex file_header_hashes:hashes sections:list""",
    ),
    "http-request-ext": (
        "network-traffic",
        """request_method!:string request_value!:string request_version:string request_header:dictionary
        message_body_length:size message_body_data_ref:ref=artifact""",
    ),
    "icmp-ext": ("network-traffic", "icmp_type_hex!:hex icmp_code_hex!:hex"),
    "socket-ext": (
        "network-traffic",
        """address_family!:string is_blocking:boolean is_listening:boolean options:dictionary
        socket_type:string socket_descriptor:size socket_handle:integer""",
    ),
    "tcp-ext": ("network-traffic", "src_flags_hex:hex dst_flags_hex:hex"),
    "windows-process-ext": (
        "process",
        """aslr_enabled:boolean dep_enabled:boolean priority:string owner_sid:string window_title:text
        startup_info:dictionary integrity_level:string""",
    ),
    "windows-service-ext": (
        "process",
        """service_name:string descriptions:strings display_name:text group_name:string
        start_type:string service_dll_refs:refs=file service_type:string service_status:string""",
    ),
    "unix-account-ext": (
        "user-account",
        "gid:integer groups:strings home_dir:string shell:string",
    ),
}
EXTENSIONS: Mapping[str, tuple[str, ObjectType]] = {
    name: (host, _parse(written)) for name, (host, written) in _EXTENSIONS.items()
}
X509_V3 = _parse("private_key_usage_period_not_before:time private_key_usage_period_not_after:time")
# names that no custom property may take
RESERVED = frozenset({"severity", "usernames", "phone_numbers", "action"})
# what a UUIDv5 of an observable is made of (section 2.9 and the tables of 6); none of them there: a UUIDv4
CONTRIBUTING: Mapping[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin"),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("from_ref", "subject", "body"),
    "file": ("hashes", "name", "extensions", "parent_directory_ref"),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": (
        "start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions",
    ),
    "process": (),
    "software": ("name", "cpe", "swid", "vendor", "version"),
    "url": ("value",),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}  # fmt: skip
