"""What comes in and is kept: objects and their versions, from files, feeds and reports, and how they are marked."""
