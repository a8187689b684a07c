"""The networks: cells, a stack of them, how weights are stored."""
