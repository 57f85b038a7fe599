{# CTEs `registrations`, `orders` … `keyed`: the rows of a relation like int_fact_signals, each with the fact_key of its
   fact, and whether that failed as far as the signal tells. Excluded signals are keyed on their own, so that a fact has
   the same key whether they are in the relation or not.

   A registration that succeeded is of the user whom a signal of its trace names: what a browser, a server and a log record
   tell of it in traces of their own is one. One name may stand for several, as where an admin signs people up: then the
   first, second … trace in which each service tells of one on a day belong together.

   An order is told of on its first date and the next; what is told of its order_id later adds nothing to it, however
   much later that is: int_order_dates knows. It has failed when it did in each trace that tells of it: who tries again
   and gets it has it, for what that try says; is_failed_try marks the signals of the others. #}
{% macro keyed_facts(relation) -%}
{%- set in_trace = 'over (partition by trace_id, is_excluded)' -%}
{%- set of_order = 'over (partition by orders.told_key, orders.is_excluded)' -%}
registrations as (
    select
        *,
        case
            when count(case when is_error then 1 end) {{ in_trace }} = 0
                then {{ known_in('deployment_environment', in_trace) }}
                || '/' || {{ known_in('service_namespace', in_trace) }}
                || '/' || cast(min(event_date) {{ in_trace }} as string)
                || '/' || max(user_id) {{ in_trace }}
        end as told_key,
        min(signal_time) {{ in_trace }} as told_time,
    from {{ relation }}
    where fact = 'registration'
),

orders as (
    select
        *,
        {{ order_key('coalesce(order_id, max(order_id) ' ~ in_trace ~ ')', in_trace) }} as told_key,
        signal_time as told_time,
    from {{ relation }}
    where fact = 'order'
),

order_dates as (
    select
        event_date,
        order_key,
        is_excluded,
        first_date,
    from {{ ref('int_order_dates') }}
    where {{ in_read_dates('event_date') }}
),

taken_orders as (
    select orders.*
    from orders
    left join order_dates as dates
        on dates.event_date = orders.event_date
        and dates.order_key = orders.told_key
        and dates.is_excluded = orders.is_excluded
    -- a signal that has its order_id from another of its trace may be the first, but not before what is known of it
    qualify (count(dates.order_key) {{ of_order }} = 0 or count(dates.first_date) {{ of_order }} > 0)
        and orders.event_date <= {{ add_days(
            'min(case when dates.order_key is null then orders.event_date else dates.first_date end) ' ~ of_order, '1'
        ) }}
),

keyed as (
    select
        *,
        cast(null as string) as told_key,
        signal_time as told_time,
        is_error as is_failed,
        false as is_failed_try,
        case fact
            when 'page_view' then trace_id || '/' || shown_page_name
            when 'user_action' then trace_id || '/' || coalesce(event_name, name)
            else trace_id
        end as fact_key,
    from {{ relation }}
    where fact not in ('registration', 'order')
    union all
    select
        *,
        is_error as is_failed,
        false as is_failed_try,
        case
            when told_key is null then trace_id
            else told_key || '/' || cast(dense_rank() over (
                partition by told_key, service_name, signal, is_excluded
                order by told_time, trace_id
            ) as string) || case when is_excluded then '/excluded' else '' end
        end as fact_key,
    from registrations
    union all
    select
        *,
        count(distinct trace_id) {{ of_order }}
        = count(distinct case when is_error then trace_id end) {{ of_order }} as is_failed,
        count(case when is_error then 1 end) over (partition by told_key, is_excluded, trace_id) > 0 as is_failed_try,
        told_key as fact_key,
    from taken_orders as orders
)
{%- endmacro %}

{# What tells one order from another: environment, namespace and order_id, else the trace. A browser that names no
   environment or namespace means those of the service that it asks: what the trace tells of the order knows. #}
{% macro order_key(order_id, in_trace) -%}
    coalesce(
            coalesce(nullif(deployment_environment, '(not set)'), {{ known_in('deployment_environment', in_trace) }})
            || '/' || coalesce(nullif(service_namespace, '(not set)'), {{ known_in('service_namespace', in_trace) }})
            || '/' || {{ order_id }},
            trace_id
        )
{%- endmacro %}

{# Of a column that a key is made of, what the rows of a window know. #}
{% macro known_in(column, window) -%}
    {{ key_text("max(nullif(" ~ column ~ ", '(not set)')) " ~ window) }}
{%- endmacro %}
