{# Bytes of rows by BigQuery's data-type sizes, in which it bills storage and scans: NULL 0, text 2 and its UTF-8, numbers
   and times 8, NUMERIC 16, BOOL 1, a list its elements. cloud.google.com/bigquery/docs/reference/standard-sql/data-types #}

{# Aggregate: bytes of all rows of `relation` together. `columns`: {name: DuckDB type}. #}
{% macro total_logical_bytes(relation, columns) -%}
    {%- set totals = ['0'] -%}
    {%- for name, type in columns.items() -%}
        {%- set column = relation ~ '.' ~ name -%}
        {%- if type in fixed_bytes() -%}
            {%- do totals.append('count(' ~ column ~ ') * ' ~ fixed_bytes()[type]) -%}
        {%- else -%}
            {%- do totals.append('coalesce(sum(' ~ value_bytes(column, type) ~ '), 0)') -%}
        {%- endif -%}
    {%- endfor -%}
    cast({{ added_up(totals) }} as int64)
{%- endmacro %}

{# Terms with a + between, halves in brackets: a hundred in one row nest deeper than a parser may go. #}
{% macro added_up(terms) -%}
    {%- set half = terms | length // 2 -%}
    {%- if terms | length <= 4 -%}
        {{ terms | join(' + ') }}
    {%- else -%}
        ({{ added_up(terms[:half]) }})
        + ({{ added_up(terms[half:]) }})
    {%- endif -%}
{%- endmacro %}

{% macro fixed_bytes() %}
    {{ return({'bigint': 8, 'double': 8, 'date': 8, 'timestamptz': 8, 'boolean': 1, 'decimal(38, 9)': 16}) }}
{% endmacro %}

{# Bytes of one value, 0 for NULL. `depth`: of the list that it lies in. #}
{% macro value_bytes(value, type, depth=0) -%}
    {%- if type in fixed_bytes() -%}
        case when {{ value }} is null then 0 else {{ fixed_bytes()[type] }} end
    {%- elif type in ('varchar', 'blob') -%}
        coalesce(2 + {{ byte_length(value, type) }}, 0)
    {%- elif type.endswith('[]') -%}
        coalesce({{ list_total(value, 'e' ~ depth, value_bytes('e' ~ depth, type[:-2], depth + 1)) }}, 0)
    {%- else -%}
        {%- set parts = [] -%}
        {%- for name, field_type in struct_fields(type).items() -%}
            {%- do parts.append(value_bytes(value ~ '.' ~ name, field_type, depth)) -%}
        {%- endfor -%}
        {{ parts | join(' + ') }}
    {%- endif -%}
{%- endmacro %}

{# {name: type} of `struct("name" type, …)`, whose types may be structs. #}
{% macro struct_fields(type) %}
    {% set found, at = {}, namespace(depth=0, text='') %}
    {% for character in type[7:-1] ~ ',' %}
        {% set at.depth = at.depth + {'(': 1, ')': -1}.get(character, 0) %}
        {% if character == ',' and at.depth == 0 %}
            {% set name, _, field_type = at.text.strip().partition(' ') %}
            {% do found.update({name.strip('"'): field_type}) %}
            {% set at.text = '' %}
        {% else %}
            {% set at.text = at.text ~ character %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# {name: DuckDB type} of the columns in a mart's contract; none while dbt parses. #}
{% macro mart_columns(mart) %}
    {% set types = {'string': 'varchar', 'int64': 'bigint', 'float64': 'double', 'bool': 'boolean', 'timestamp': 'timestamptz', 'numeric': 'decimal(38, 9)', 'array<string>': 'varchar[]'} %}
    {% set found = {} %}
    {% for name, column in (graph.nodes['model.otelmart.' ~ mart].columns if execute else {}).items() %}
        {% do found.update({name: types.get(column.data_type, column.data_type)}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
