{# CTEs `registrations` and `keyed`: the rows of a relation like int_fact_signals, each with the fact_key of its fact.

   A registration that succeeded is of the user whom a signal of its trace names: what a browser, a server and a log record
   tell of it in traces of their own is one. One name may stand for several, as where an admin signs people up: then the
   first, second … trace in which each service tells of one on a day belong together. Excluded signals are keyed on their
   own, so that a fact has the same key whether they are in the relation or not. #}
{% macro keyed_facts(relation) -%}
registrations as (
    select
        *,
        case
            when count(case when is_error then 1 end) over (partition by trace_id, is_excluded) = 0
                then max(user_id) over (partition by trace_id, is_excluded)
        end as registered_user_id,
        concat(
            {{ key_text("max(nullif(deployment_environment, '(not set)')) over (partition by trace_id, is_excluded)") }}, '/',
            {{ key_text("max(nullif(service_namespace, '(not set)')) over (partition by trace_id, is_excluded)") }}, '/',
            cast(min(event_date) over (partition by trace_id, is_excluded) as string)
        ) as registered_place,
        min(signal_time) over (partition by trace_id, is_excluded) as registered_time,
    from {{ relation }}
    where fact = 'registration'
),

keyed as (
    select
        *,
        cast(null as string) as registered_user_id,
        cast(null as string) as registered_place,
        signal_time as registered_time,
        {{ fact_key() }} as fact_key,
    from {{ relation }}
    where fact != 'registration'
    union all
    select
        *,
        case
            when registered_user_id is null then trace_id
            else concat(registered_place, '/', registered_user_id, '/', cast(dense_rank() over (
                partition by registered_place, registered_user_id, service_name, signal, is_excluded
                order by registered_time, trace_id
            ) as string), case when is_excluded then '/excluded' else '' end)
        end as fact_key,
    from registrations
)
{%- endmacro %}

{# Identity of the fact that a row of int_fact_signals tells of; the page that is shown is the row's shown_page_name. #}
{% macro fact_key() -%}
    case fact
        when 'page_view' then trace_id || '/' || shown_page_name
        when 'user_action' then trace_id || '/' || coalesce(event_name, name)
        when 'order' then coalesce(
            deployment_environment || '/' || service_namespace || '/'
            || coalesce(order_id, max(order_id) over (partition by fact, trace_id, is_excluded)),
            trace_id
        )
        else trace_id
    end
{%- endmacro %}
