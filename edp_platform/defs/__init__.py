"""Data sets and use cases, a folder each. Adding one edits no other file."""
