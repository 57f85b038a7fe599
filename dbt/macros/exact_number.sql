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
