"""What a run survives: kills, full disks, and gradebooks that are not there."""
