{#
  The columns are never null and, together, never repeat. One query instead of one for
  each column and another for uniqueness. Fails with one row for each key at fault.
#}
{% test primary_key(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns %}
    or {{ column }} is null
    {% endfor %}

{% endtest %}
