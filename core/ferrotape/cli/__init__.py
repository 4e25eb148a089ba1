"""The command line: one file a command. Work is imported when a command is called."""
