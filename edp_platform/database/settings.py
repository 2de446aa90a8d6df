"""The settings of the embedded server, written anew at every start.

They stand outside the data folder, which the server's account may write to, and
`ALTER SYSTEM` is off: what the server does is decided here.
"""

from __future__ import annotations

#: Everybody, the administrator included, signs in with SCRAM, over loopback.
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"

#: Folder of the logs, within the data folder.
LOGS = "log"

_SETTINGS: dict[str, str | int] = {
    # Where it listens: loopback, no socket in a folder that others share.
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": 100,
    # However many people hold, who publishes and Dagster find a place.
    "reserved_connections": 10,
    "password_encryption": "scram-sha-256",
    "allow_alter_system": "off",
    # Light enough for a laptop.
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    # A table made and filled in one transaction needs no log of its rows. Everything
    # here can be published again; a server with a standby is a managed one.
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "timezone": "Europe/London",
    "lc_messages": "C",
    # Who connected and what was asked: statements may hold literals, so only the
    # server's account may read them, and `audit` takes them on without literals.
    # `log_statement` is set role by role: all for people, none for the pipeline.
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": LOGS,
    "log_file_mode": "0600",
    "log_filename": "edp-%Y-%m-%d.log",
    "log_rotation_age": "1d",
    "log_rotation_size": 0,
    "log_timezone": "UTC",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_statement": "none",
    "log_min_error_statement": "error",
    "log_parameter_max_length": 0,
    "log_parameter_max_length_on_error": 0,
}


def postgresql_conf(port: int, access_file: str) -> str:
    """Return the text of `postgresql.conf`."""
    given: dict[str, str | int] = {**_SETTINGS, "port": port, "hba_file": access_file}
    lines = [f"{name} = {_quoted(value)}" for name, value in given.items()]
    return "# Written by edp at every start; changes are lost.\n" + "\n".join(
        [*lines, ""]
    )


def _quoted(value: str | int) -> str:
    return "'" + str(value).replace("'", "''") + "'"
