"""How far: line searches, each a record of its constants with ``run(line, first)``."""
