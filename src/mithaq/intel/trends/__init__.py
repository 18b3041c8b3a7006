"""What is emerging: what is named more often than it was, or for the first time."""
