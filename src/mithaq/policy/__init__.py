"""May it cross? Agreements that software reads, and the decision over them. Pure: no I/O, clock or SQL."""
