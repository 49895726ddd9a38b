"""``python -m surefoot`` is the same as ``surefoot``."""

from surefoot.cli.main import run

if __name__ == "__main__":
    run()
