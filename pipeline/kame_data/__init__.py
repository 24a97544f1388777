"""kame-data: from benchmark questions to the spoken, oracle-annotated dialogues that train a KAME front end."""

__version__ = "0.1.0"
