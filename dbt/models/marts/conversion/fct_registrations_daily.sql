{{ config(meta={'days_before': 1}) }}
-- A counter's point may come after midnight and tell of a registration before it: a service that told of one itself
-- yesterday is not counted by its counter today.
with registrations as (
    select * from {{ ref('fct_registrations') }}
    where {{ in_dates('event_date') }}
),

signals as (
    select distinct event_date, deployment_environment, service_namespace, service_name
    from {{ ref('int_fact_signals') }}
    where {{ in_read_dates('event_date') }}
        and fact = 'registration'
        and not is_excluded
),

telling_services as (
    select event_date, deployment_environment, service_namespace, service_name from signals
    union distinct
    select {{ add_days('event_date', 1) }} as event_date, deployment_environment, service_namespace, service_name
    from signals
),

counters as (
    select counted.*
    from {{ ref('int_business_counters_daily') }} as counted
    left join telling_services
        on telling_services.event_date = counted.event_date
        and telling_services.deployment_environment = counted.deployment_environment
        and telling_services.service_namespace = counted.service_namespace
        and telling_services.service_name = counted.service_name
    where {{ in_dates('counted.event_date') }}
        and counted.business_counter = 'registrations'
        and counted.counter_increase > 0
        and telling_services.service_name is null
),

final as (
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        registration_source,

        count(*) as registration_count,
        count(case when is_error then 1 end) as error_count,
    from registrations
    group by event_date, deployment_environment, service_namespace, service_name, registration_source
    union all
    select
        event_date,

        deployment_environment,
        service_namespace,
        service_name,
        'counter' as registration_source,

        cast(counter_increase as int64) as registration_count,
        cast(null as int64) as error_count,
    from counters
)

select * from final
