"""What happens during a run, of a training or of a solver: columns of numbers, and lines to watch.

`history` keeps the numbers, on the device until they are read; `progress` shows them.
"""
