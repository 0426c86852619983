"""Reads what a vLLM release knows out of its wheel, by its syntax trees: nothing of it is imported or run."""
