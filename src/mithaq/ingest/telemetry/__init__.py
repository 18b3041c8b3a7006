"""Where telemetry comes from: files, folders and pipes."""

from mithaq.ingest.telemetry.files import files, read, stream

__all__ = ["files", "read", "stream"]
