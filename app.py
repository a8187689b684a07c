"""Serve the page over the checkpoints beside this file: `python app.py`."""

from deeprnn.serve_command import main

if __name__ == "__main__":
    main()
