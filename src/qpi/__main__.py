"""Runs the command line with `python -m qpi`."""

from qpi.cli import main

if __name__ == "__main__":
    main()
