"""What templates may say (Django looks for them here)."""
