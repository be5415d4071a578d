"""The patterns hold no tests; those of this folder run them."""

collect_ignore_glob = ["patterns_*"]
