"""The watch floor: what this shift needs."""
