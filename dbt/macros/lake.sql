{# DuckDB views `observability.<table>` over the Parquet files of a lake; BigQuery has the tables themselves. #}
{% macro create_lake_views() %}
    {% if execute and target.type == 'duckdb' and flags.WHICH in ('run', 'build', 'seed', 'test', 'snapshot', 'freshness') %}
        {% set lake = lake_place() %}
        {% if lake_file_count(lake ~ '/ingest_ledger/*.parquet') == 0 %}
            {{ exceptions.raise_compiler_error('no lake at ' ~ lake ~ ': run `otelmart ingest --from files:DIR --to lake:' ~ lake ~ '`, or set OTELMART_LAKE') }}
        {% endif %}
        {% do remember_parts(lake) %}
        {% do run_query('create schema if not exists observability') %}
        {% for table, columns in lake_columns().items() if table != 'ingest_ledger' %}
            {% do run_query('create or replace view observability.' ~ table ~ ' as ' ~ lake_select(lake, table, columns)) %}
        {% endfor %}
        {% do run_query('create or replace view observability.ingest_ledger as select * exclude (path, last_modified) from ' ~ state_table('lake_ledger')) %}
    {% endif %}
{% endmacro %}

{# The lake, beside the project where nobody says otherwise; from the root, so that its views can be asked from anywhere. #}
{% macro lake_place() %}{{ return(env_var('OTELMART_LAKE', invocation_args_dict.project_dir ~ '/../.otelmart/lake')) }}{% endmacro %}

{#
    What each file of the lake has, in the state table `lake_parts`, and the ledger's entries, in `lake_ledger`. Files never
    change and listeners leave thousands a day, so each is opened once: those whose path, size or time is new. All models
    of a run have the ledger of its start, which names no row that they cannot find.
#}
{% macro remember_parts(lake) %}
    {% set parts = state_table('lake_parts') %}
    {% do run_query('create schema if not exists ' ~ target.schema ~ '_state') %}
    {% do run_query('create table if not exists ' ~ parts ~ ' (table_name string, path string, size int64, last_modified timestamptz, columns_md5 string, row_count int64)') %}
    {% do run_query('create or replace temporary table lake_files (table_name string, path string, size int64, last_modified timestamptz)') %}
    {% for table, columns in lake_columns().items() | reverse %}  {# the ledger before the rows that it names #}
        {% do run_query('insert into lake_files select \'' ~ table ~ '\', filename, size, last_modified from read_blob(\'' ~ lake_files(lake, table, columns) ~ '\')') %}
    {% endfor %}
    {% do run_query('delete from ' ~ parts ~ ' where (path, size, last_modified) not in (select (path, size, last_modified) from lake_files)') %}
    {% do run_query('delete from lake_files where path in (select path from ' ~ parts ~ ')') %}
    {% if run_query('select count(*) from lake_files').columns[0].values()[0] > 0 %}
        {% do run_query('set variable new_files = (select list(path order by path) from lake_files)') %}
        {% do run_query('insert into ' ~ parts ~ ' ' ~ parts_sql()) %}
    {% endif %}
    {% do remember_ledger() %}
{% endmacro %}

{# Made anew when schemas/ have other columns than it has. #}
{% macro remember_ledger() %}
    {% set ledger, types = state_table('lake_ledger'), lake_columns()['ingest_ledger'] %}
    {% set empty = columns_select(types, []) ~ ', cast(null as string) as path, cast(null as timestamptz) as last_modified where false' %}
    {% do run_query('create table if not exists ' ~ ledger ~ ' as ' ~ empty) %}
    {% if run_query('describe ' ~ ledger).columns[0].values() | list != types | list + ['path', 'last_modified'] %}
        {% do run_query('create or replace table ' ~ ledger ~ ' as ' ~ empty) %}
    {% endif %}
    {% set parts = '(select path, last_modified from ' ~ state_table('lake_parts') ~ ' where table_name = \'ingest_ledger\')' %}
    {% do run_query('delete from ' ~ ledger ~ ' where (path, last_modified) not in (select (path, last_modified) from ' ~ parts ~ ')') %}
    {% do run_query('create or replace temporary table new_entries as select * from ' ~ parts ~ ' where path not in (select path from ' ~ ledger ~ ')') %}
    {% if run_query('select count(*) from new_entries').columns[0].values()[0] > 0 %}
        {% do run_query('set variable new_entries = (select list(path order by path) from new_entries)') %}
        {% set rows = 'read_parquet(getvariable(\'new_entries\'), union_by_name = true, hive_partitioning = false, filename = true)' %}
        {% set present = run_query('describe select * from ' ~ rows).columns[0].values() | list %}
        {% do run_query('insert into ' ~ ledger ~ ' ' ~ columns_select(types, present) ~ ', new_entries.path, new_entries.last_modified from ' ~ rows ~ ' as entries inner join new_entries on new_entries.path = entries.filename') %}
    {% endif %}
{% endmacro %}

{% macro parts_sql() %}
    with types as (
        select
            file_name,
            md5(string_agg(concat_ws(' ', name, type, logical_type, num_children), ', ' order by column_id)) as columns_md5,
        from parquet_schema(getvariable('new_files'))
        group by file_name
    )

    select
        lake_files.table_name,
        lake_files.path,
        lake_files.size,
        lake_files.last_modified,
        types.columns_md5,
        metadata.num_rows as row_count,
    from lake_files
    inner join types
        on lake_files.path = types.file_name
    inner join parquet_file_metadata(getvariable('new_files')) as metadata
        on lake_files.path = metadata.file_name
{% endmacro %}

{#
    Folders in which all files have the same columns are read by those of one file; to take them from every file, by name,
    opens all files of all dates, each time a model asks for one date. Columns that no file has yet are NULL of their type.
#}
{% macro lake_select(lake, table, columns) %}
    {% set is_by_date = 'event_date' not in columns %}
    {% set types = dict(columns, event_date='date') %}
    {% set groups = run_query(folders_alike_sql(table)).rows %}
    {% set selects = [] %}
    {% for group in groups %}
        {% set files = group['folders'] if groups | length > 1 else '\'' ~ lake_files(lake, table, columns) ~ '\'' %}
        {% set rows = 'read_parquet(' ~ files ~ ', union_by_name = ' ~ group['is_mixed'] ~ ', hive_partitioning = ' ~ is_by_date ~ ', hive_types_autocast = true)' %}
        {% set present = run_query('describe select * from ' ~ rows).columns[0].values() | list %}
        {% do selects.append(columns_select(types, present) ~ ' from ' ~ rows) %}
    {% endfor %}
    {{ return(selects | join(' union all ') if selects else columns_select(types, []) ~ ' where false') }}
{% endmacro %}

{% macro folders_alike_sql(table) %}
    with folders as (
        select
            regexp_extract(path, '(.*)/', 1) as folder,
            list_sort(list(distinct columns_md5)) as columns_md5,
        from {{ state_table('lake_parts') }}
        where table_name = '{{ table }}'
        group by folder
    )

    select
        '[' || string_agg('''' || folder || '/*.parquet''', ', ' order by folder) || ']' as folders,
        len(columns_md5) > 1 as is_mixed,
    from folders
    group by columns_md5
    order by folders
{% endmacro %}

{% macro columns_select(types, present) %}
    {% set selected = [] %}
    {% for column, type in types.items() %}
        {% do selected.append('cast(' ~ ('"' ~ column ~ '"' if column in present else 'null') ~ ' as ' ~ type ~ ') as "' ~ column ~ '"') %}
    {% endfor %}
    {{ return('select ' ~ selected | join(', ')) }}
{% endmacro %}

{# The files of a table: in a folder for each date, unless the date is a column of its own. #}
{% macro lake_files(lake, table, columns) %}
    {{ return(lake ~ '/' ~ table ~ ('/*.parquet' if 'event_date' in columns else '/*/*.parquet')) }}
{% endmacro %}

{% macro lake_file_count(pattern) %}
    {{ return(run_query('select count(*) from glob(\'' ~ pattern ~ '\')').columns[0].values()[0]) }}
{% endmacro %}
