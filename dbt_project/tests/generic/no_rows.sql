{#
  The table is empty. For a table of what should not be there: each row is one fault.
#}
{% test no_rows(model) %}

select * from {{ model }}

{% endtest %}
