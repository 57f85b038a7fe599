with spans as (
    select
        event_date,
        'span' as signal,
        name,
        trace_id,
        span_id as signal_id,
        deployment_environment,
        service_namespace,
        service_name,
        session_id,
        user_id,
        page_name,
        page_url,
        http_route,
        http_path,
        web_vital_name,
        web_vital_id,
        row_ordinal,
        web_vital_value,
        weight_micros,
        start_time as report_time,
    from {{ ref('stg_otel__spans') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and web_vital_value is not null
),

-- An event's time is that of the paint or the shift; when it was reported is when the SDK observed it.
logs as (
    select
        event_date,
        'log' as signal,
        event_name as name,
        trace_id,
        log_id as signal_id,
        deployment_environment,
        service_namespace,
        service_name,
        session_id,
        user_id,
        page_name,
        page_url,
        http_route,
        http_path,
        web_vital_name,
        web_vital_id,
        row_ordinal,
        web_vital_value,
        1000000 as weight_micros,
        coalesce(observed_time, time) as report_time,
    from {{ ref('stg_otel__logs') }}
    where {{ in_dates('event_date') }}
        and not is_excluded
        and web_vital_value is not null
),

signals as (
    select * from spans
    union all
    select * from logs
),

named as (
    select
        signals.*,
        coalesce(rules.vital_name, lower(signals.web_vital_name)) as vital_name,
        coalesce(signals.http_path, {{ url_path('signals.page_url') }}) as page_path,
    from signals
    inner join {{ ref('web_vital_rules') }} as rules
        on rules.signal = signals.signal
        and {{ matches_pattern('signals.name', 'rules.name') }}
),

-- Neither negative nor infinite nor NaN, and a vital whose thresholds are known.
rated as (
    select
        named.*,
        vitals.unit,
        case
            when named.web_vital_value > vitals.poor_above then 'poor'
            when named.web_vital_value > vitals.good_up_to then 'needs-improvement'
            else 'good'
        end as rating,
    from named
    inner join {{ ref('web_vitals') }} as vitals
        on vitals.vital_name = named.vital_name
    where named.web_vital_value >= 0
        and named.web_vital_value < {{ to_float("'infinity'") }}
),

final as (
    select
        event_date,

        concat(
            deployment_environment, '/', service_namespace, '/', vital_name, '/',
            coalesce(web_vital_id, trace_id || '/' || coalesce(page_name, page_path, ''), signal_id)
        ) as vital_key,
        trace_id,
        signal_id,
        coalesce('session:' || session_id, 'user:' || user_id) as actor,

        deployment_environment,
        service_namespace,
        service_name,
        vital_name,
        unit,
        rating,
        page_name,
        page_path,
        http_route,

        row_ordinal,
        web_vital_value as vital_value,
        weight_micros,

        report_time,
    from rated
)

select * from final
