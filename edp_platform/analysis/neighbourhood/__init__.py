"""Where crime is, whether it stays there, and where it may be next: areas, never people.

Here belong concentration, persistence, emergence, the ranking of areas with its
evaluation against naive rules, the equality check of where it points, and near-repeats
of the force's own reports. Frames in, frames out. What is counted and what is kept out
is declared in `defs/neighbourhood_crime/ranking.yaml`.
"""
