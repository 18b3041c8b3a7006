"""STIX 2.1 objects, the strict gate before them, and the markings on them. Pure: no I/O, clock or SQL."""
