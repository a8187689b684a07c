"""What is on disk and on the Hub: checkpoints, their metrics, results, the registry of what there is."""
