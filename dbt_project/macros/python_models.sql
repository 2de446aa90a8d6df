{#
  A model in Python is handed marts, of anything beneath them the columns that its YAML
  names, and writes the columns that it declares: what nobody declared, nobody judged.
  dbt-duckdb's own form hands over and writes whatever there is.
#}
{% macro py_write_table(
    temporary, relation, compiled_code, partitioned_by=none, sorted_by=none
) -%}
{%- set named = {} -%}
{%- set texts = [] -%}
{%- for column in model.columns.values() -%}
    {%- do texts.extend((column.meta or {}).get('made_of') or []) -%}
{%- endfor -%}
{%- do texts.extend((config.get('meta') or {}).get('rows') or []) -%}
{%- for text in texts -%}
    {%- set parts = text.split('.') -%}
    {%- if parts[0] != 'marts' -%}
        {%- do named.setdefault(parts[1], []).append(parts[2]) -%}
    {%- endif -%}
{%- endfor -%}
{{ compiled_code }}

from edp_platform.warehouse.python_models import declared_only, write

dbtObj = declared_only(dbtObj, {{ tojson(named) }})


def materialize(df, con):
    columns = {
    {%- for column in model.columns.values() %}
        {{ tojson(column.name) }}: {{ tojson(column.data_type) }},
    {%- endfor %}
    }
    write(df, con, {{ tojson(relation | string) }}, columns)
{% endmacro %}
