"""Statistical process control of every series of the framework at once.

Here belong the charts (XmR and rare events), their rules, the control of false alarms
over all watched series, funnel plots, and the words that say what a signal is and is
not. Frames in, frames out: measures are declared in `edp_platform.measures`, and what
is written where is said in `defs`.
"""
