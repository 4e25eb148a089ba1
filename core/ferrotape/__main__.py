"""`python -m ferrotape`."""

from ferrotape.cli.main import main

main()
