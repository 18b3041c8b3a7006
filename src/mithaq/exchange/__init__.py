"""The exchange: serves shelves to peers, polls and nudges them. It decides nothing and cannot read the object store."""
