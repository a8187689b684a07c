"""Serve the page over the checkpoints beside this file: `python app.py`."""

from deeprnn.commands.serve import main

if __name__ == "__main__":
    main()
