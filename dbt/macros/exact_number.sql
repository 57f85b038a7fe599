{# A FLOAT64 as NUMERIC, whose sums do not depend on their order; NULL for NaN, Infinity and what NUMERIC cannot hold. #}
{% macro exact_number(x) -%}
    case when abs({{ x }}) < 1e27 then {{ to_money(x) }} end
{%- endmacro %}

{# The columns that say which point a bucket is of. #}
{% macro point_columns(relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- for column in ('event_date', 'series_id', 'time_unix_nano', 'start_time_unix_nano', 'time') -%}
        {{ prefix }}{{ column }},
        {% endfor -%}
{%- endmacro %}

{# 2 to an exponential bucket's index over 2^scale. Below a scale of -11 a bucket has all floats of its side of 1, and one
   that ends above the largest float ends there: BigQuery fails where a number gets larger. #}
{% macro exponential_bound(index, scale) -%}
    power(2, least({{ index }} * power(2, -greatest({{ scale }}, -11)), 1023.999999999999))
{%- endmacro %}

{# A bound, NULL where it is infinite: what lies beyond has none. #}
{% macro finite(bound) -%}
    case when abs({{ bound }}) < {{ to_float("'inf'") }} then {{ bound }} end
{%- endmacro %}
