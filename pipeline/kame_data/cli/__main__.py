"""`python -m kame_data.cli`: the command line."""

from kame_data.cli.main import main

if __name__ == "__main__":
    main()
