{# Whether rows with one identity, of which staging keeps one, differ in any of the columns. #}
{% macro copies_differ(columns, window, relation) -%}
    {%- for column in columns %}
        {%- set text = "coalesce(cast(" ~ relation ~ "." ~ column ~ " as string), '')" %}
        min({{ text }}) over ({{ window }}) != max({{ text }}) over ({{ window }})
        {%- if not loop.last %} or {% endif %}
    {%- endfor %}
{%- endmacro %}

{# What a copy of a span may tell otherwise and marts count. #}
{% macro told_columns() -%}
    {{ return(['name', 'status_code', 'parent_span_id', 'end_time', 'http_status_code', 'session_id', 'user_id',
        'order_id', 'order_total', 'login_status', 'payment_status', 'payment_amount', 'error_type']) }}
{%- endmacro %}
