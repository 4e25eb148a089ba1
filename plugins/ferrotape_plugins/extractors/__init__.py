"""Built-in extractors, one plugin a file."""
