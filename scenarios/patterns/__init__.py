"""The other ways in which Python programs leak, each with its mended twin."""
