"""Where the plain rooms meet Dagster: runs, selections, recovery, sensors.

Belongs here: what a run is asked to do and how it is started, watched, recovered and
told to people. Does not belong here: any rule about data (those are plain Python).
"""
