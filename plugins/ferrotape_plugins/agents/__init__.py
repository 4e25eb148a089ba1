"""Built-in agents, one plugin a file."""
