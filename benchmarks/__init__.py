"""What Ferrotape promises about its speed, as ratios measured in one run on one machine."""
