"""What is typed: `deeprnn` and its commands."""
