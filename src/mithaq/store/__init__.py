"""State: three rooms of tables, on SQLite or PostgreSQL; frozen values in, frozen values out."""
