"""One command for a whole node: the peers' listener as a process of its own, and the worker.

Nothing is imported here: the listener's process begins in this room too, and loads only what it needs to serve.
"""
