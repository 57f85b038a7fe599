{# The 5-minute grid on which service level indicators are counted. #}
{% macro slot_minutes() %}{{ return(5) }}{% endmacro %}
{% macro slots_per_day() %}{{ return(1440 // slot_minutes()) }}{% endmacro %}

{# Slots since 1970 of a slot's start: a day begins at a multiple of slots_per_day(). #}
{% macro slot_number(slot_time) -%}
    {{ int_div(unix_us(slot_time), slot_minutes() * 60000000) }}
{%- endmacro %}

{% macro slot_time_of(slot_number) -%}
    {{ from_unix_us(slot_number ~ ' * ' ~ slot_minutes() * 60000000) }}
{%- endmacro %}

{# More slots than 200 years have: keeps the numbers of one series apart from the next one's. #}
{% macro series_stride() %}{{ return(100000000) }}{% endmacro %}

{# True where a filter of slos.csv (values separated by |) is empty or holds the value. #}
{% macro passes_filter(filter, value) -%}
    ({{ filter }} is null or strpos('|' || {{ filter }} || '|', '|' || coalesce({{ value }}, '') || '|') > 0)
{%- endmacro %}

{# The columns that tell one measured series of an objective from another. #}
{% macro slo_series(relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}slo_id,
    {{ prefix }}deployment_environment,
    {{ prefix }}service_namespace,
    {{ prefix }}service_name
{%- endmacro %}

{# Number of the first slot of a date. #}
{% macro first_slot_number(date) -%}
    {{ days_between("date '1970-01-01'", date) }} * {{ slots_per_day() }}
{%- endmacro %}

{# What login.status and payment.status say of a success, in lower case. #}
{# Corrections whose times or deltas make no sense, each with what is wrong. #}
{% test slo_corrections_are_valid(model) %}
    {%- set slot_us = slot_minutes() * 60000000 %}
    with judged as (
        select
            slo_name,
            from_time,
            case
                when from_time is null or to_time is null or to_time <= from_time then 'to_time must be after from_time'
                when mod({{ unix_us('from_time') }}, {{ slot_us }}) != 0 or mod({{ unix_us('to_time') }}, {{ slot_us }}) != 0
                    then 'times must be multiples of 5 minutes'
                when action = 'restate' and (good_delta is null or valid_delta is null)
                    then 'restate needs good_delta and valid_delta'
                when action = 'restate' and (deployment_environment is null or service_namespace is null or service_name is null)
                    then 'restate needs an environment, a namespace and a service'
                when action = 'exclude' and coalesce(good_delta, valid_delta) is not null
                    then 'exclude takes no deltas'
            end as mistake,
        from {{ model }}
    )

    select * from judged
    where mistake is not null
{% endtest %}
