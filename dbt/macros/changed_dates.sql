{#
    Which event dates a build replaces. The ledger's entries per date are counted when a run starts and compared with
    the counts of the last build that succeeded as a whole: a count, not a clock, so late commits cannot hide. Every
    model of the run gets the same dates as literals; only a complete, green run moves the state forward. When a seed or
    a variable that numbers depend on has changed, every date has.

    A model that looks at its neighbour days declares them: meta={'days_before': 1, 'days_after': 1}. The dates to
    replace widen by themselves from model to model.
#}

{% macro state_table(name) %}{{ return(target.schema ~ '_state.' ~ name) }}{% endmacro %}

{% macro is_building() %}{{ return(execute and flags.WHICH in ('run', 'build') and flags.INTROSPECT) }}{% endmacro %}

{# on-run-start: the ledger now, beside the ledger as last built; until all is built and tested, this build is unfinished. #}
{% macro remember_changed_dates() %}
    {% if is_building() %}
        {% do run_query('create schema if not exists ' ~ target.schema ~ '_state') %}
        {% do run_query('create table if not exists ' ~ state_table('built_dates') ~ ' (event_date date, table_name string, entry_count int64, row_count int64, definitions string, models string)') %}
        {% do run_query('alter table ' ~ state_table('built_dates') ~ ' add column if not exists models string') %}
        {% do run_query('create table if not exists ' ~ state_table('moved_order_dates') ~ ' (event_date date)') %}
        {% do run_query('create table if not exists ' ~ state_table('last_build') ~ ' as select ' ~ as_of_time() ~ ' as build_time limit 0') %}
        {% do run_query('create table if not exists ' ~ state_table('stored_bytes') ~ ' (' ~ stored_bytes_columns() ~ ')') %}
        {% if flags.FULL_REFRESH and builds_all_models() %}  {# every date is due until it has ended #}
            {% do run_query('update ' ~ state_table('built_dates') ~ ' set definitions = \'\' where true') %}
        {% endif %}
        {% do run_query(changed_dates_sql()) %}
        {% do run_query('create or replace table ' ~ state_table('unfinished_build') ~ ' as select ' ~ as_of_time() ~ ' as begin_time, \'' ~ invocation_id ~ '\' as invocation_id') %}
    {% endif %}
{% endmacro %}

{% macro changed_dates_sql() %}
    create or replace table {{ state_table('changed_dates') }} as
    with ledger as (
        select
            event_date,
            table_name,
            count(*) as entry_count,
            cast(sum(written_row_count) as int64) as row_count
        from {{ source('observability', 'ingest_ledger') }}
        where event_date >= date '1970-01-01'
        group by event_date, table_name
    )
    select
        coalesce(ledger.event_date, built.event_date) as event_date,
        coalesce(ledger.table_name, built.table_name) as table_name,
        coalesce(ledger.entry_count, 0) as entry_count,
        coalesce(ledger.row_count, 0) as row_count,
        coalesce(ledger.entry_count, 0) != coalesce(built.entry_count, 0)
        or coalesce(ledger.row_count, 0) != coalesce(built.row_count, 0)
        or coalesce(built.definitions, '') != '{{ definitions() }}' as is_changed,
        coalesce(built.models, '') as models
    from ledger
    full outer join {{ state_table('built_dates') }} as built
        on built.event_date = ledger.event_date
        and built.table_name = ledger.table_name
{% endmacro %}

{# Fingerprint of the seeds and variables that numbers depend on. #}
{% macro definitions() %}
    {% set parts = [var('trace_url_template'), var('session_gap_minutes') | string, var('clock_skew_seconds') | string, var('final_after_days') | string, var('reporting_time_zone')] %}
    {% for node in graph.nodes.values() | sort(attribute='name') if node.resource_type == 'seed' %}
        {% do parts.append(node.name ~ ' ' ~ node.checksum.checksum) %}
    {% endfor %}
    {{ return(local_md5(parts | join('; '))) }}
{% endmacro %}

{#
    Fingerprint of the SQL of all models, macros included. What another release built keeps its numbers until a full
    refresh: raw rows may be gone by then, so that nobody but a user can say when.
#}
{% macro models_fingerprint() %}
    {% set parts = [macros_fingerprint()] %}
    {% for node in graph.nodes.values() | sort(attribute='name') if node.resource_type == 'model' %}
        {% do parts.append(node.name ~ ' ' ~ node.checksum.checksum) %}
    {% endfor %}
    {{ return(local_md5(parts | join('; '))) }}
{% endmacro %}

{# Whether no incremental model is left out of this run. #}
{% macro builds_all_models() %}
    {% set left_out = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'incremental' and node.unique_id not in selected_resources %}
        {% do left_out.append(node.name) %}
    {% endfor %}
    {{ return(left_out == []) }}
{% endmacro %}

{# on-run-end: the state moves only when every result is good and no incremental model was left out. #}
{% macro mark_dates_built(results) %}
    {% if is_building() %}
        {% do check_alone() %}
        {% set state = namespace(is_complete=builds_all_models()) %}
        {% for result in results if result.status | string not in ('success', 'pass', 'warn', 'no-op') %}
            {% set state.is_complete = false %}
        {% endfor %}
        {% if state.is_complete %}
            {% do run_query('insert into ' ~ state_table('changed_dates') ~ ' (event_date, entry_count, row_count, is_changed) select distinct event_date, 0, 0, true from ' ~ state_table('moved_order_dates')) %}
            {% do run_query('create or replace table ' ~ state_table('moved_order_dates') ~ ' (event_date date)') %}
            {% do run_query('create or replace table ' ~ state_table('built_dates') ~ ' as ' ~ built_dates_sql()) %}
            {% do run_query('create or replace table ' ~ state_table('last_build') ~ ' as select ' ~ as_of_time() ~ ' as build_time, \'' ~ models_fingerprint() ~ '\' as models') %}
            {% do run_query('create or replace table ' ~ state_table('unfinished_build') ~ ' as select ' ~ as_of_time() ~ ' as begin_time, \'\' as invocation_id limit 0') %}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro built_dates_sql() %}
    select
        event_date,
        table_name,
        entry_count,
        row_count,
        '{{ definitions() }}' as definitions,
        case
            when event_date in (select event_date from {{ state_table('changed_dates') }} where is_changed)
                then '{{ models_fingerprint() }}'
            else models
        end as models
    from {{ state_table('changed_dates') }}
    where entry_count > 0
{% endmacro %}

{#
    BigQuery lets two builds run at once, and either may have put rows over those that the other read. Whichever ends
    while another began, or has ended, since it began leaves its own dates due, and the other's: it fails.
#}
{% macro check_alone() %}
    {% set owners = run_query('select invocation_id from ' ~ state_table('unfinished_build')).columns[0].values() | list %}
    {% if owners != [invocation_id] %}
        {% set own = ['true'] if flags.FULL_REFRESH else [] %}
        {% for date in changed_dates() %}{% do own.append("event_date = date '" ~ date ~ "'") %}{% endfor %}
        {% do run_query('update ' ~ state_table('built_dates') ~ ' set definitions = \'\' where ' ~ (own or ['false']) | join(' or ')) %}
        {% do run_query('create or replace table ' ~ state_table('unfinished_build') ~ ' as select ' ~ as_of_time() ~ ' as begin_time, \'\' as invocation_id') %}
        {% do exceptions.raise_compiler_error('another build ran at the same time, and each may have spoilt the other\'s numbers: the dates of both stay due; build again, one at a time') %}
    {% endif %}
{% endmacro %}

{# Days by which the replaced dates of a node reach [before, after] a changed date: its own and those of all it reads. #}
{% macro reach_days(node) %}
    {% set known = graph.setdefault('reach_days', {}) %}
    {% if node.unique_id not in known %}
        {% set earlier, later = [0], [0] %}
        {% for parent_id in node.depends_on.nodes if parent_id in graph.nodes %}
            {% set parent = reach_days(graph.nodes[parent_id]) %}
            {% do earlier.append(parent[0]) %}
            {% do later.append(parent[1]) %}
        {% endfor %}
        {% set meta = node.config.meta or {} %}
        {% do known.update({node.unique_id: [earlier | max + meta.get('days_after', 0), later | max + meta.get('days_before', 0)]}) %}
    {% endif %}
    {{ return(known[node.unique_id]) }}
{% endmacro %}

{# Dates as SQL literals that a model (this one) replaces in this run, widened by the days it also reads. #}
{% macro dates_to_build(read_before=0, read_after=0, node=none) %}
    {% set changed = changed_dates() + moved_dates(node or model) %}
    {% set earlier, later = reach_days(node or model) %}
    {% set dates = [] %}
    {% for date in changed %}
        {% for days in range(-earlier - read_before, later + read_after + 1) %}
            {% set literal = "date '" ~ (date + modules.datetime.timedelta(days=days)) ~ "'" %}
            {% if literal not in dates %}{% do dates.append(literal) %}{% endif %}
        {% endfor %}
    {% endfor %}
    {{ return(dates | sort or ["date '0001-01-01'"]) }}
{% endmacro %}

{# Asked once a run and kept beside the graph. Where there is no ledger to ask (offline compile) the last days stand in. #}
{% macro changed_dates() %}
    {% if is_building() %}
        {% if 'changed_dates' not in graph %}
            {% set rows = run_query('select distinct event_date from ' ~ state_table('changed_dates') ~ ' where is_changed') %}
            {% do graph.update({'changed_dates': rows.columns[0].values() | list}) %}
        {% endif %}
        {{ return(graph.changed_dates) }}
    {% endif %}
    {% set today = modules.datetime.date.fromisoformat(as_of_date()[6:16]) %}
    {% set dates = [] %}
    {% for days in range(var('lookback_days') + 1) %}{% do dates.append(today - modules.datetime.timedelta(days=days)) %}{% endfor %}
    {{ return(dates) }}
{% endmacro %}

{# True where a model replaces dates, false where it reads all of them (first build, full refresh, unit test). #}
{% macro is_replacing_dates() %}
    {% if not execute or model.resource_type == 'unit_test' or model.config.materialized != 'incremental' %}
        {{ return(false) }}
    {% elif flags.WHICH in ('run', 'build') %}
        {{ return(is_incremental()) }}
    {% endif %}
    {{ return(not flags.FULL_REFRESH) }}
{% endmacro %}

{# The partition filter of the rows that a model replaces. #}
{% macro in_dates(column, read_before=0, read_after=0) -%}
    {%- if is_replacing_dates() -%}
        {{ one_of(column, dates_to_build(read_before, read_after)) }}
    {%- else -%}
        {{ column }} >= date '1970-01-01'
    {%- endif -%}
{%- endmacro %}

{# Dates without a gap as a range: DuckDB makes a join of a long list, after the scan, and a scan skips by a range. #}
{% macro one_of(column, dates) -%}
    {%- set first, last = modules.datetime.date.fromisoformat(dates[0][6:16]), modules.datetime.date.fromisoformat(dates[-1][6:16]) -%}
    {%- if (last - first).days + 1 == dates | length -%}
        {{ column }} between {{ dates[0] }} and {{ dates[-1] }}
    {%- else -%}
        {{ column }} in ({{ dates | join(', ') }})
    {%- endif -%}
{%- endmacro %}

{# The partition filter of what a model reads: the rows it replaces and its declared neighbour days. #}
{% macro in_read_dates(column) -%}
    {%- set meta = model.config.meta or {} -%}
    {{ in_dates(column, meta.get('days_before', 0), meta.get('days_after', 0)) }}
{%- endmacro %}

{# BigQuery: the same dates as static partitions; config() is read at parse time, so it cannot carry them. #}
{% macro bq_generate_incremental_insert_overwrite_build_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns, tmp_relation_exists, copy_partitions
) %}
    {{ return(bq_static_insert_overwrite_sql(
        tmp_relation, target_relation, sql, partition_by, dates_to_build(), dest_columns, tmp_relation_exists, copy_partitions
    )) }}
{% endmacro %}
