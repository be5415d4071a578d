"""How accurate and how honest numerical derivatives are: suites of functions, tools, tables."""
