with slos as (
    select * from {{ ref('slos') }}
),

requests as (
    select * from {{ ref('int_requests') }}
    where {{ in_dates('event_date') }}
),

facts as (
    select
        *,
        case fact when 'page_view' then page_load_time_ms else duration_ms end as fact_duration_ms,
        case fact
            when 'login' then {{ outcome('login_status', 'null', 'is_error', 'is_named_a_failure') }}
            when 'payment' then {{ outcome('payment_status', 'error_type', 'is_error', 'is_named_a_failure') }}
        end as outcome,
    from {{ ref('int_facts') }}
    where {{ in_dates('event_date') }}
        and fact in ('login', 'payment', 'page_view')
),

-- requests are weighted; a login, a payment, a page view is one fact
events as (
    select
        'requests' as signal,
        event_date,
        start_time as event_time,
        deployment_environment,
        service_namespace,
        service_name,
        operation,
        http_method as method,
        not is_error as is_not_error,
        not is_http_5xx as is_not_5xx,
        cast(null as bool) as is_success,
        case when has_latency then duration_ns end as duration_ns,
        weight_micros,
    from requests

    union all

    select
        concat(fact, 's') as signal,
        event_date,
        fact_time as event_time,
        deployment_environment,
        service_namespace,
        service_name,
        case when fact = 'page_view' then page_name end as operation,
        payment_method as method,
        cast(null as bool) as is_not_error,
        cast(null as bool) as is_not_5xx,
        {{ is_success('outcome') }} as is_success,
        case when fact_duration_ms between 0 and 1e12 then cast(round(fact_duration_ms * 1000000) as int64) end as duration_ns,
        1000000 as weight_micros,
    from facts
),

-- NULL where an event does not carry the answer
answered as (
    select
        events.event_date,
        {{ slot_number('events.event_time') }} as slot_number,
        slos.slo_id,
        events.deployment_environment,
        events.service_namespace,
        case when slos.is_per_service then events.service_name else slos.service_name end as service_name,
        case slos.good_condition
            when 'not_error' then events.is_not_error
            when 'not_5xx' then events.is_not_5xx
            when 'succeeded' then events.is_success
            else true
        end as has_good_outcome,
        case coalesce(slos.threshold_op, 'any')
            when 'any' then true
            when 'lt' then events.duration_ns < slos.threshold_ns
            when 'lte' then events.duration_ns <= slos.threshold_ns
            when 'gt' then events.duration_ns > slos.threshold_ns
            when 'gte' then events.duration_ns >= slos.threshold_ns
        end as has_good_duration,
        events.weight_micros,
    from events
    inner join slos
        on slos.signal = events.signal
        and {{ passes_filter('slos.environments', 'events.deployment_environment') }}
        and {{ passes_filter('slos.namespaces', 'events.service_namespace') }}
        and {{ passes_filter('slos.services', 'events.service_name') }}
        and {{ passes_filter('slos.operations', 'events.operation') }}
        and {{ passes_filter('slos.methods', 'events.method') }}
),

judged as (
    select *, has_good_outcome and has_good_duration as is_good,
    from answered
),

final as (
    select
        event_date,
        slot_number,
        {{ slo_series() }},
        cast(sum(case when is_good then weight_micros else 0 end) as int64) as good_micros,
        cast(sum(case when is_good is not null then weight_micros else 0 end) as int64) as valid_micros,
        count(case when is_good then 1 end) as observed_good_count,
        count(is_good) as observed_valid_count,
        count(*) - count(is_good) as unmeasured_count,
    from judged
    group by event_date, slot_number, {{ slo_series() }}
)

select * from final
