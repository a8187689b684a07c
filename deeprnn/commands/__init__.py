"""The command lines: `deeprnn` and its commands, and those of serving and training."""
