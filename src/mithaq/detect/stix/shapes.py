"""Which fields of telemetry are which properties of which cyber observables (STIX 2.1 section 6), for each log source.

A property is written ``object.property``: the objects of an event and how they refer to one another stand in ``TYPES``
and ``REFERS``. A name before a colon says how the text is read (``mithaq.detect.stix.observed``). Values without such
a place are objects of their own.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

Shape: TypeAlias = Mapping[str, str]

TYPES: Final[Mapping[str, str]] = {
    "process": "process", "parent": "process", "image": "file", "parent-image": "file", "loaded": "file",
    "file": "file",    "user": "user-account",
    "traffic": "network-traffic", "source": "", "target": "", "key": "windows-registry-key",
    "mail": "email-message", "sender": "email-addr", "recipient": "email-addr",
}  # fmt: skip

REFERS: Final = (  # an object, its property, and the object that this refers to
    ("parent", "image_ref", "parent-image"), ("process", "parent_ref", "parent"), ("process", "image_ref", "image"),
    ("process", "creator_user_ref", "user"), ("traffic", "src_ref", "source"), ("traffic", "dst_ref", "target"),
    ("mail", "from_ref", "sender"), ("mail", "to_refs", "recipient"), ("process", "opened_connection_refs", "traffic"),
)  # fmt: skip

_HTTP = "traffic.extensions.http-request-ext"

WINDOWS: Final[Shape] = {
    "CommandLine": "process.command_line", "ProcessCommandLine": "process.command_line",
    "ProcessId": "number:process.pid",
    "CurrentDirectory": "process.cwd", "Image": "path:image", "NewProcessName": "path:image",
    "User": "account:user",
    "SubjectUserName": "user.account_login", "TargetUserName": "user.account_login",
    "ParentCommandLine": "parent.command_line", "ParentProcessId": "number:parent.pid",
    "ParentImage": "path:parent-image",
    "ParentProcessName": "path:parent-image", "ImageLoaded": "path:loaded", "TargetFilename": "path:file",
    "Hashes": "hashes:image", "TargetObject": "registry:key", "Details": "data:key",
    "SourceIp": "address:source", "DestinationIp": "address:target", "SourcePort": "number:traffic.src_port",
    "DestinationPort": "number:traffic.dst_port", "Protocol": "list:traffic.protocols", "IpAddress": "address:source",
}  # fmt: skip

ZEEK: Final[Shape] = {
    "id.orig_h": "address:source", "id.orig_p": "number:traffic.src_port", "id.resp_h": "address:target",
    "id.resp_p": "number:traffic.dst_port", "proto": "list:traffic.protocols", "service": "list:traffic.protocols",
    "orig_bytes": "number:traffic.src_byte_count", "resp_bytes": "number:traffic.dst_byte_count",
    "orig_pkts": "number:traffic.src_packets", "resp_pkts": "number:traffic.dst_packets",
    "method": f"{_HTTP}.request_method", "uri": f"{_HTTP}.request_value",
    "host": f"{_HTTP}.request_header.Host", "user_agent": f"{_HTTP}.request_header.User-Agent",
    "referrer": f"{_HTTP}.request_header.Referer", "filename": "path:file", "total_bytes": "number:file.size",
    "mime_type": "file.mime_type", "md5": "file.hashes.MD5", "sha1": "file.hashes.SHA-1",
    "sha256": "file.hashes.SHA-256", "mailfrom": "mail:sender", "rcptto": "mail:recipient",
    "subject": "mail.subject", "username": "user.account_login",
}  # fmt: skip

EVE: Final[Shape] = {
    "src_ip": "address:source", "src_port": "number:traffic.src_port", "dest_ip": "address:target",
    "dest_port": "number:traffic.dst_port", "proto": "list:traffic.protocols", "app_proto": "list:traffic.protocols",
    "flow.bytes_toserver": "number:traffic.src_byte_count", "flow.bytes_toclient": "number:traffic.dst_byte_count",
    "http.http_method": f"{_HTTP}.request_method", "http.url": f"{_HTTP}.request_value",
    "http.hostname": f"{_HTTP}.request_header.Host", "http.http_user_agent": f"{_HTTP}.request_header.User-Agent",
    "http.http_refer": f"{_HTTP}.request_header.Referer", "fileinfo.filename": "path:file",
    "fileinfo.size": "number:file.size", "fileinfo.md5": "file.hashes.MD5", "fileinfo.sha1": "file.hashes.SHA-1",
    "fileinfo.sha256": "file.hashes.SHA-256", "smtp.mail_from": "mail:sender", "smtp.rcpt_to": "mail:recipient",
    "email.subject": "mail.subject",
}  # fmt: skip

DOTTED: Final[Shape] = {  # ECS, which means the same whoever wrote the event
    "process.command_line": "process.command_line", "process.pid": "number:process.pid",
    "process.working_directory": "process.cwd", "process.executable": "path:image",
    "process.hash.md5": "image.hashes.MD5", "process.hash.sha1": "image.hashes.SHA-1",
    "process.hash.sha256": "image.hashes.SHA-256", "process.parent.command_line": "parent.command_line",
    "process.parent.pid": "number:parent.pid", "process.parent.executable": "path:parent-image",
    "user.name": "user.account_login", "source.ip": "address:source", "source.port": "number:traffic.src_port",
    "destination.ip": "address:target", "destination.port": "number:traffic.dst_port",
    "network.transport": "list:traffic.protocols", "network.protocol": "list:traffic.protocols",
    "http.request.method": f"{_HTTP}.request_method", "user_agent.original": f"{_HTTP}.request_header.User-Agent",
    "file.path": "path:file", "file.size": "number:file.size", "file.hash.md5": "file.hashes.MD5",
    "file.hash.sha1": "file.hashes.SHA-1", "file.hash.sha256": "file.hashes.SHA-256", "registry.path": "registry:key",
    "email.subject": "mail.subject",
}  # fmt: skip

SHAPES: Final[Mapping[str, Shape]] = {  # a word of the log source -> its table
    "windows": WINDOWS, "sysmon": WINDOWS, "zeek": ZEEK, "suricata": EVE,
}  # fmt: skip
