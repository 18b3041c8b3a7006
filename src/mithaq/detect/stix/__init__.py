"""STIX patterning (STIX 2.1 section 9): read whole, or refused with a reason."""
