"""Training: the loop, snapshots, and the final figures of a run."""
