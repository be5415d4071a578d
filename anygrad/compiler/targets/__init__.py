"""What a program is printed as: Python source, one target a file."""
