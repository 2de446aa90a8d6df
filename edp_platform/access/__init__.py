"""Who may see which rows and columns of what is published, and until when.

Grants, people and suppliers are YAML; they are compiled to what the database should hold
(`declared`), which is compared with what it holds (`planning`) and put right
(`applying`). The rules that a grant must keep are in `rules`. No Dagster here, and no
SQL of marts: publication is in `publishing`, the server in `database`.
"""
