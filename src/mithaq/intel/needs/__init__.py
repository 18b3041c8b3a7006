"""What we have to know: requirements, the questions they are sought by, requests to partners, and what answers."""
