{# Where a trace can be looked at: the variable trace_url_template with the id in place of {trace_id}; NULL without either. #}
{% macro trace_url(trace_id) -%}
    {%- set template = var('trace_url_template') -%}
    {%- if template -%}
        {%- set before, after = template.split('{trace_id}') -%}
        '{{ before }}' || {{ trace_id }} || '{{ after }}'
    {%- else -%}
        cast(null as string)
    {%- endif -%}
{%- endmacro %}
