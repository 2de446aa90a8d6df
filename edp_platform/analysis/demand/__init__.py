"""Calls for service: how soon they are reached, how many to expect, what cars they take.

Belongs here: the unbroken daily history, seasonal naive and regression forecasts,
rolling-origin back-tests, calibrated bounds, the profile of the week, response times
with intervals, and the queueing model of calls that take several cars. Frames in,
frames out. What is assumed is declared in `defs/demand/demand_model.yaml`. Does not
belong here: anything about a caller, an officer or a single call.
"""
