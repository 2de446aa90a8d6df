{#
  A model in Python is written in the columns and types that its YAML declares, and in no
  others: what nobody declared, nobody judged. dbt-duckdb's own form writes whatever the
  frame has.
#}
{% macro py_write_table(
    temporary, relation, compiled_code, partitioned_by=none, sorted_by=none
) -%}
{{ compiled_code }}

def materialize(df, con):
    from edp_platform.warehouse.python_models import write

    columns = {
    {%- for column in model.columns.values() %}
        {{ tojson(column.name) }}: {{ tojson(column.data_type) }},
    {%- endfor %}
    }
    write(df, con, {{ tojson(relation | string) }}, columns)
{% endmacro %}
