"""The log of DPA 2018 s.62 around its chain: what goes in, who looks, how long it stays.

`statements` reads a query without its literals, `collecting` takes what people asked the
server directly, `anchors` notes the head outside, `reading` answers who looked at what,
and `retention` seals and destroys the oldest part by the schedule.
"""
