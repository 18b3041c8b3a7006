"""What belongs together: what is the same thing by whatever name, and what shares values."""
