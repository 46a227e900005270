"""Bash, BashOutput, TaskStop."""
