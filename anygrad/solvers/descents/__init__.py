"""Which way: descents, each a record of options that starts a stateful source of directions."""
