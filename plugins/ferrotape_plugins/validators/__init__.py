"""Built-in validators, one plugin a file."""
