"""The border: the one door out (publish) and the one door in (admit). It alone fills shelves and outbox."""
