{{ config(contract={'enforced': true}) }}
-- An order_id may be told of on any two dates, so this model looks at all that it knows of others.
{%- do remember_moved_orders() %}
with told as (
    {{ orders_told() }}
),

{%- if is_replacing_dates() %}

{{ orders_told_elsewhere() }},
{%- endif %}

known as (
    select order_key, is_excluded, event_date from told
    {%- if is_replacing_dates() %}
    union all
    select order_key, is_excluded, event_date from told_elsewhere
    {%- endif %}
),

firsts as (
    select order_key, is_excluded, min(event_date) as first_date
    from known
    group by order_key, is_excluded
),

final as (
    select
        told.event_date,
        told.order_key,
        told.is_excluded,
        case when told.event_date <= {{ add_days('firsts.first_date', '1') }} then firsts.first_date end as first_date,
    from told
    inner join firsts
        on firsts.order_key = told.order_key
        and firsts.is_excluded = told.is_excluded
)

select * from final
