"""One command for a whole node: the peers' listener as a process of its own, and the worker."""

from mithaq.serve.run import Ready, run

__all__ = ["Ready", "run"]
