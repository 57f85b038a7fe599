{#
    DuckDB: replaces whole dates of a table. dbt-duckdb's own way asks six times a model what columns there are, once by
    analysing its SQL again, which is a tenth of a build; here one query compares all of them, what the SQL made, what
    the table has and what the contract says. The first build and a full refresh are dbt-duckdb's.
#}
{% materialization incremental, adapter='duckdb' %}
    {%- set existing = load_cached_relation(this) -%}
    {%- if not existing or existing.is_view or should_full_refresh() or config.get('incremental_strategy') != 'replace_dates' -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set made = this.incorporate(path={'identifier': this.identifier ~ '__made'}, type='table').include(database=false, schema=false) -%}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks) }}
    {% do run_query('create or replace temporary table ' ~ made ~ ' as (' ~ compiled_code ~ '\n)') %}
    {% do check_columns(made, target_relation) %}
    {% call statement('main') %}
        delete from {{ target_relation }} where {{ one_of('event_date', dates_to_build()) }};
        insert into {{ target_relation }} by name select * from {{ made }} order by event_date;
    {% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {% do run_query('drop table ' ~ made) %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Fails where a column that a model's SQL made is not the table's, or not the contract's. #}
{% macro check_columns(made, target_relation) %}
    {% set sides = {'SQL': made, 'table': target_relation} %}
    {% if config.get('contract').enforced %}
        {% do sides.update({'contract': '(' ~ get_empty_schema_sql(model['columns']) ~ ')'}) %}
    {% endif %}
    {% set differing = run_query(differing_columns_sql(sides)) %}
    {% if differing.rows %}
        {% do exceptions.raise_compiler_error('\n'.join(differing.columns[0].values()) ~ '\nMake them agree; a table gets other columns by otelmart build --full-refresh') %}
    {% endif %}
{% endmacro %}

{# A row for each column that is not of one type on all sides, {side: relation}, which says what it is on each. #}
{% macro differing_columns_sql(sides) %}
    {%- set told = [] -%}
    {%- for side in sides %}
        {%- do told.append("'" ~ side ~ " ' || coalesce(max(column_type) filter (side = '" ~ side ~ "'), 'lacks it')") -%}
    {%- endfor -%}
    with columns as (
        {%- for side, relation in sides.items() %}
        select '{{ side }}' as side, lower(column_name) as column_name, column_type from (describe select * from {{ relation }})
        {%- if not loop.last %} union all {% endif %}
        {%- endfor %}
    )
    select column_name || ': ' || {{ told | join(" || ', ' || ") }} as text
    from columns
    group by column_name
    having count(*) != {{ sides | length }} or min(column_type) != max(column_type)
    order by column_name
{% endmacro %}

{# DuckDB: a table made anew lies in the order of its dates, so that whoever reads or replaces a few of them skips the
   row groups of the others. #}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) %}
    {%- if not temporary and config.get('materialized') == 'incremental' -%}
        {%- set compiled_code = 'select * from (' ~ compiled_code ~ '\n) as unordered order by event_date' -%}
    {%- endif -%}
    {{ return(dbt.duckdb__create_table_as(temporary, relation, compiled_code, language, partitioned_by, sorted_by)) }}
{% endmacro %}
