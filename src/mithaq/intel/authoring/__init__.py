"""What our people write: objects, their versions, what is said of others' objects, and proposals to their owners."""
