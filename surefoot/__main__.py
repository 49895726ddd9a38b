"""``python -m surefoot`` is the same as ``surefoot``."""

from surefoot.cli.entry import run

if __name__ == "__main__":
    run()
