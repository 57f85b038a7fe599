{#
    Dates on which an order is no longer counted, or is at last, because of rows of quite another date: an order_id is
    one order, of the date on which it was first told of. int_order_dates finds them before it is replaced and keeps
    them until a build is complete; it and what follows from it replace them too.
#}

{% macro orders_told() %}
    select distinct
        event_date,
        {{ order_key('order_id', 'over (partition by event_date, trace_id, is_excluded)') }} as order_key,
        is_excluded
    from {{ ref('int_fact_signals') }}
    where {{ in_dates('event_date') }}
        and fact = 'order'
{% endmacro %}

{# Of the orders of CTE `told`, what the table knows of dates that are not replaced. #}
{% macro orders_told_elsewhere() -%}
told_elsewhere as (
    select known.order_key, known.is_excluded, known.event_date
    from {{ this }} as known
    inner join (select distinct order_key, is_excluded from told) as asked
        on asked.order_key = known.order_key
        and asked.is_excluded = known.is_excluded
    where known.event_date >= date '1970-01-01'
        and not ({{ in_dates('known.event_date') }})
)
{%- endmacro %}

{% macro remember_moved_orders() %}
    {% if is_building() and is_replacing_dates() %}
        {% do run_query(moved_orders_sql()) %}
        {% do graph.pop('moved_dates', none) %}
    {% endif %}
{% endmacro %}

{# The rows of other dates whose first_date changes: those of the first date before and after, and of the next. #}
{% macro moved_orders_sql() %}
    insert into {{ state_table('moved_order_dates') }} (event_date)
    with now as (
        {{ orders_told() }}
    ),

    built as (
        select event_date, order_key, is_excluded
        from {{ this }}
        where {{ in_dates('event_date') }}
    ),

    told as (
        select order_key, is_excluded, event_date, false as is_built, true as is_now from now
        union all
        select order_key, is_excluded, event_date, true as is_built, false as is_now from built
    ),

    {{ orders_told_elsewhere() }},

    known as (
        select * from told
        union all
        select order_key, is_excluded, event_date, true as is_built, true as is_now from told_elsewhere
    ),

    firsts as (
        select
            order_key,
            is_excluded,
            min(case when is_built then event_date end) as built_date,
            min(case when is_now then event_date end) as now_date
        from known
        group by order_key, is_excluded
    )

    select distinct told_elsewhere.event_date
    from told_elsewhere
    inner join firsts
        on firsts.order_key = told_elsewhere.order_key
        and firsts.is_excluded = told_elsewhere.is_excluded
    where firsts.built_date is distinct from firsts.now_date
        and (
            told_elsewhere.event_date between firsts.built_date and {{ add_days('firsts.built_date', '1') }}
            or told_elsewhere.event_date between firsts.now_date and {{ add_days('firsts.now_date', '1') }}
        )
{% endmacro %}

{# Dates that a model replaces besides those whose rows have changed. #}
{% macro moved_dates(node) %}
    {% if not is_building() or not follows_orders(node) %}{{ return([]) }}{% endif %}
    {% if 'moved_dates' not in graph %}
        {% set rows = run_query('select distinct event_date from ' ~ state_table('moved_order_dates')) %}
        {% do graph.update({'moved_dates': rows.columns[0].values() | list}) %}
    {% endif %}
    {{ return(graph.moved_dates) }}
{% endmacro %}

{# Whether a node is int_order_dates or reads it, through others or itself. #}
{% macro follows_orders(node) %}
    {% set known = graph.setdefault('follows_orders', {}) %}
    {% if node.unique_id not in known %}
        {% set found = [node.name == 'int_order_dates'] %}
        {% for parent_id in node.depends_on.nodes if parent_id in graph.nodes %}
            {% do found.append(follows_orders(graph.nodes[parent_id])) %}
        {% endfor %}
        {% do known.update({node.unique_id: true in found}) %}
    {% endif %}
    {{ return(known[node.unique_id]) }}
{% endmacro %}
