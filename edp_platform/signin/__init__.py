"""Who is asking, over HTTP: a person of the register, or nobody.

Belongs here: the three ways a person is known (demonstration personas on loopback, OpenID
Connect, a trusted proxy's header), their sessions, the pages of signing in, the log of
it, and the ASGI layer that stands in front of any web part. Does not belong here: what
a person may then do (`access`; for the Dagster UI `orchestration.ui_levels`), and
anything of Dagster.
"""
