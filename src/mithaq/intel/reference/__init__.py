"""Reference sets, such as releases of ATT&CK, and what changed between two of them."""
