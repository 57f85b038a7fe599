{# State that a point of a utilization metric is of (user, idle, used, free...), under its present or former key; else NULL. #}
{% macro utilization_state(attributes) -%}
    coalesce(
        {%- for key in ('cpu.mode', 'system.memory.state', 'system.filesystem.state', 'system.paging.state', 'system.cpu.state', 'process.cpu.state', 'state') %}
        {{ attribute(attributes, key) }}{{ "," if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
