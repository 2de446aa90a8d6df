{#
  95 % intervals, each written once for every measure. All take and give doubles, and
  are null where an argument is.

  wilson_lower / wilson_upper    a proportion (0 to 1): successes out of trials.
      Wilson 1927, J. Am. Stat. Assoc. 22:209; Newcombe 1998, Stat. Med. 17:857,
      method 3. Successes and trials may be effective numbers of a weighted survey.
  count_lower / count_upper      a Poisson count: exact below 10, Byar's from 10 on.
      Byar in Breslow and Day 1987, Statistical Methods in Cancer Research II, p. 69.
      Exact: half a chi-squared quantile, Garwood 1936, Biometrika 28:437.
      Both as APHO, Technical Briefing 3 (2008), Commonly used public health statistics
      and their confidence intervals, has them.
  count_interval                 which of the two a count takes.
#}

{#- The 0.975 quantile of the normal distribution. -#}
{% macro normal_975() -%}1.959963984540054{%- endmacro %}

{% macro wilson_lower(successes, trials) -%}
    {{ wilson_bound(successes, trials, '-') }}
{%- endmacro %}

{% macro wilson_upper(successes, trials) -%}
    {{ wilson_bound(successes, trials, '+') }}
{%- endmacro %}

{#- The denominator is never nought: it is at least z squared. The square root is of
    nought or more, but for the last bits of a share of nought or one. -#}
{% macro wilson_bound(successes, trials, sign) -%}
    {%- set z = normal_975() -%}
    case
        when {{ trials }} > 0
            then
                greatest(0.0, least(1.0, (
                    2 * {{ successes }} + {{ z }} * {{ z }}
                    {{ sign }} {{ z }} * sqrt(
                        greatest(
                            0.0,
                            {{ z }} * {{ z }}
                            + 4 * {{ successes }}
                            * (1 - {{ successes }} / {{ trials }})
                        )
                    )
                ) / (2 * ({{ trials }} + {{ z }} * {{ z }}))))
    end
{%- endmacro %}

{% macro count_lower(count) -%}
    {{ exact_or_byar(
        count, 'lower',
        count ~ ' * power(1 - 1 / (9.0 * ' ~ count ~ ') - ' ~ normal_975()
        ~ ' / (3 * sqrt(' ~ count ~ ')), 3)'
    ) }}
{%- endmacro %}

{% macro count_upper(count) -%}
    {{ exact_or_byar(
        count, 'upper',
        '(' ~ count ~ ' + 1) * power(1 - 1 / (9.0 * (' ~ count ~ ' + 1)) + '
        ~ normal_975() ~ ' / (3 * sqrt(' ~ count ~ ' + 1)), 3)'
    ) }}
{%- endmacro %}

{#- The exact limits of 0 to 9, to six decimal places. -#}
{% macro exact_or_byar(count, side, byar) -%}
    {%- set exact = {
        'lower': [0.0, 0.025318, 0.242209, 0.618672, 1.089865,
                  1.623486, 2.201894, 2.814363, 3.453832, 4.115373],
        'upper': [3.688879, 5.571643, 7.224688, 8.767273, 10.241589,
                  11.668332, 13.059474, 14.422675, 15.763189, 17.084803],
    }[side] -%}
    case
        {% for limit in exact -%}
        when {{ count }} = {{ loop.index0 }} then {{ limit }}
        {% endfor -%}
        when {{ count }} >= 10 then {{ byar }}
    end
{%- endmacro %}

{% macro count_interval(count) -%}
    case when {{ count }} < 10 then 'exact poisson' else 'byar' end
{%- endmacro %}
