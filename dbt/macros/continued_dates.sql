{# CTEs `dates` and `continued`: of what the rows of a relation with one key tell, the dates that belong to the date before,
   on which it began. Any later date stands for itself: so a date needs two before it, however long the key is told of,
   and no build has to know more. #}
{% macro continued_dates(relation, key) -%}
dates as (
    select
        {{ key }},
        event_date,
        lag(event_date) over (partition by {{ key }} order by event_date) as previous_date,
        lag(event_date, 2) over (partition by {{ key }} order by event_date) as second_previous_date,
    from (select distinct {{ key }}, event_date from {{ relation }}) as seen
),

continued as (
    select {{ key }}, event_date, previous_date
    from dates
    where previous_date = {{ add_days('event_date', '-1') }}
        and coalesce(second_previous_date < {{ add_days('event_date', '-2') }}, true)
)
{%- endmacro %}
