"""The networks: cells, the stack of cells, the storage types of weights."""
