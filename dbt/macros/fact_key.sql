{# CTEs `registrations`, `orders` and `keyed`: the rows of a relation like int_fact_signals, each with the fact_key of its
   fact. Excluded signals are keyed on their own, so that a fact has the same key whether they are in the relation or not.

   A registration that succeeded is of the user whom a signal of its trace names: what a browser, a server and a log record
   tell of it in traces of their own is one. One name may stand for several, as where an admin signs people up: then the
   first, second … trace in which each service tells of one on a day belong together.

   An order that is told of again after a date without it is another one. It takes what is told on its first date and the
   next; where it is told of on a third without a pause, that adds nothing. So the facts of a date depend on the two dates
   before and the one after, however many are read. #}
{% macro keyed_facts(relation) -%}
{%- set in_trace = 'over (partition by trace_id, is_excluded)' -%}
registrations as (
    select
        *,
        case
            when count(case when is_error then 1 end) {{ in_trace }} = 0
                then {{ key_text("max(nullif(deployment_environment, '(not set)')) " ~ in_trace) }}
                || '/' || {{ key_text("max(nullif(service_namespace, '(not set)')) " ~ in_trace) }}
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
        coalesce(
            deployment_environment || '/' || service_namespace || '/' || coalesce(order_id, max(order_id) {{ in_trace }}),
            trace_id
        ) as told_key,
        signal_time as told_time,
    from {{ relation }}
    where fact = 'order'
),

keyed as (
    select
        *,
        cast(null as string) as told_key,
        signal_time as told_time,
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
        told_key || '/' || cast(
            case when {{ told_days_before(1) }} then {{ add_days('event_date', '-1') }} else event_date end as string
        ) as fact_key,
    from orders
    qualify not ({{ told_days_before(1) }} and {{ told_days_before(2) }})
)
{%- endmacro %}

{% macro told_days_before(days) -%}
    count(*) over (
        partition by told_key, is_excluded
        order by {{ days_between("date '1970-01-01'", 'event_date') }}
        range between {{ days }} preceding and {{ days }} preceding
    ) > 0
{%- endmacro %}
