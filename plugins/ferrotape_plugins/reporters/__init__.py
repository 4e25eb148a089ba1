"""Built-in reporters, one plugin a file."""
