{#
  The columns are never null and, together, never repeat. One query instead of one for
  each column and another for uniqueness. Fails with one row for each key at fault.
  `nullable` names the columns of the key that may be empty.
#}
{% test primary_key(model, columns, nullable=[]) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns if column not in nullable %}
    or {{ column }} is null
    {% endfor %}

{% endtest %}
