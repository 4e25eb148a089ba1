"""The plugins that come with Ferrotape; they use its public face only."""
