"""`ferrotape cassettes`: recordings, for reading and for keeping in order."""
