"""Parts of the `edp` command line, one module a subject.

Belongs here: what a command takes, and how it tells what happened. Does not belong here:
what it does, which is a plain function elsewhere. Each module gives a Typer `app` (or
functions) that `edp_platform.cli` adds.
"""
