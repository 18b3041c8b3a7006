"""It happened: one Merkle log per node, whose leaves commit to records without showing them."""
