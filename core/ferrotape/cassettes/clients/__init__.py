"""How each HTTP client is led to the router, one client a file; imported where it is installed."""
