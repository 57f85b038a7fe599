{# Rows whose key is not unique or has a NULL in it, among the dates that this build replaced. #}
{% test unique_key(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as row_count
    from {{ model }}
    where {{ in_tested_dates(model) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}

{% test ratio_between_0_and_1(model, column_name) %}
    select {{ column_name }} from {{ model }}
    where {{ in_tested_dates(model) }} and not ({{ column_name }} >= 0 and {{ column_name }} <= 1)
{% endtest %}

{# Rows where a total is not the sum of its parts. #}
{% test sum_of_parts(model, total, parts) %}
    select {{ total }}, {{ parts | join(', ') }} from {{ model }}
    where {{ in_tested_dates(model) }} and {{ total }} != {{ parts | join(' + ') }}
{% endtest %}

{# `dbt build` tests the dates it replaced, `dbt test` all of them; tables without event_date as a whole. #}
{% macro in_tested_dates(relation) -%}
    {%- set tested = graph.nodes.values() | selectattr('name', 'equalto', relation.identifier) | list if execute else [] -%}
    {%- if not tested or 'event_date' not in tested[0].columns and tested[0].config.materialized != 'incremental' -%}
        true
    {%- elif is_building() and not flags.FULL_REFRESH and tested[0].config.materialized == 'incremental' -%}
        {{ one_of('event_date', dates_to_build(node=tested[0])) }}
    {%- else -%}
        event_date >= date '1970-01-01'
    {%- endif -%}
{%- endmacro %}
