"""Ordinary scientific code as its authors write it, and whether anygrad differentiates it."""
