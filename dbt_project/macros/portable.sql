{#
  Every difference between DuckDB and Spark that the shared models meet, one macro each.
  `default__` is DuckDB; `spark__` also serves Databricks.
#}

{# First day of the month of a date or timestamp, as a date. #}
{% macro month_of(value) -%}
    {{ return(adapter.dispatch('month_of', 'edp')(value)) }}
{%- endmacro %}

{% macro default__month_of(value) -%}
    cast(date_trunc('month', {{ value }}) as date)
{%- endmacro %}

{% macro spark__month_of(value) -%}
    cast(trunc({{ value }}, 'MM') as date)
{%- endmacro %}

{# Month text ('2024-01') to the first of that month; null where it is no month. #}
{% macro month_from_text(value) -%}
    {{ return(adapter.dispatch('month_from_text', 'edp')(value)) }}
{%- endmacro %}

{% macro default__month_from_text(value) -%}
    try_cast({{ value }} || '-01' as date)
{%- endmacro %}

{% macro spark__month_from_text(value) -%}
    try_cast(concat({{ value }}, '-01') as date)
{%- endmacro %}

{# Whole months from one first-of-month date to another. #}
{% macro months_between(earlier, later) -%}
    cast(
        (extract(year from {{ later }}) - extract(year from {{ earlier }})) * 12
        + extract(month from {{ later }}) - extract(month from {{ earlier }})
        as integer
    )
{%- endmacro %}

{# A select of one column `month`: each first of month between two dates. The bounds may
   be columns of `relation`; `keys` are carried along. #}
{% macro month_spine(relation, first, last, keys) -%}
    {{ return(adapter.dispatch('month_spine', 'edp')(relation, first, last, keys)) }}
{%- endmacro %}

{% macro default__month_spine(relation, first, last, keys) -%}
    select
        {{ keys | join(', ') }},
        cast(
            unnest(generate_series({{ first }}, {{ last }}, interval 1 month)) as date
        ) as month
    from {{ relation }}
{%- endmacro %}

{% macro spark__month_spine(relation, first, last, keys) -%}
    select
        {{ keys | join(', ') }},
        explode(sequence({{ first }}, {{ last }}, interval 1 month)) as month
    from {{ relation }}
{%- endmacro %}

{# Exact median of a group. #}
{% macro median_of(value) -%}
    {{ return(adapter.dispatch('median_of', 'edp')(value)) }}
{%- endmacro %}

{% macro default__median_of(value) -%}
    median({{ value }})
{%- endmacro %}

{% macro spark__median_of(value) -%}
    percentile({{ value }}, 0.5)
{%- endmacro %}

{# Distinct texts of a group in alphabetical order, joined. #}
{% macro joined_texts(value, separator=', ') -%}
    {{ return(adapter.dispatch('joined_texts', 'edp')(value, separator)) }}
{%- endmacro %}

{% macro default__joined_texts(value, separator) -%}
    string_agg(distinct {{ value }}, '{{ separator }}' order by {{ value }})
{%- endmacro %}

{% macro spark__joined_texts(value, separator) -%}
    array_join(array_sort(collect_set({{ value }})), '{{ separator }}')
{%- endmacro %}

{# Day of the week, 1 (Monday) to 7 (Sunday). #}
{% macro day_of_week(value) -%}
    {{ return(adapter.dispatch('day_of_week', 'edp')(value)) }}
{%- endmacro %}

{% macro default__day_of_week(value) -%}
    cast(isodow({{ value }}) as integer)
{%- endmacro %}

{% macro spark__day_of_week(value) -%}
    (weekday({{ value }}) + 1)
{%- endmacro %}

{# Wall-clock time in the United Kingdom of a moment stored in UTC. #}
{% macro local_time(value) -%}
    {{ return(adapter.dispatch('local_time', 'edp')(value)) }}
{%- endmacro %}

{% macro default__local_time(value) -%}
    timezone('Europe/London', {{ value }})
{%- endmacro %}

{% macro spark__local_time(value) -%}
    from_utc_timestamp({{ value }}, 'Europe/London')
{%- endmacro %}

{# The first 15 hexadecimal digits of a text as a whole number (60 bits, so two of ten
   million keys meet with a chance of about 1 in 20,000); null where it is not
   hexadecimal. A number joins several times faster than the 64 characters. #}
{% macro hex_key(value) -%}
    {{ return(adapter.dispatch('hex_key', 'edp')(value)) }}
{%- endmacro %}

{% macro default__hex_key(value) -%}
    try_cast('0x' || substr({{ value }}, 1, 15) as bigint)
{%- endmacro %}

{% macro spark__hex_key(value) -%}
    cast(conv(substr({{ value }}, 1, 15), 16, 10) as bigint)
{%- endmacro %}

{# Whole seconds from one moment to a later one; null where either is. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between', 'edp')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    date_diff('second', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    timestampdiff(second, {{ earlier }}, {{ later }})
{%- endmacro %}

{# Days from one date to a later one. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'edp')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}
