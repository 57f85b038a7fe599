with exceptions as (
    select
        *,
        {{ digest("coalesce(language, '') || '/' || exception_type || '/' || exception_message || '/' || coalesce(exception_stacktrace, '')") }} as text_id,
    from {{ ref('int_exceptions') }}
    where {{ in_dates('event_date') }}
),

fingerprints as (
    select * from {{ ref('int_error_fingerprints') }}
    where {{ in_dates('event_date') }}
),

final as (
    select
        exceptions.event_date,

        exceptions.exception_id,
        fingerprints.error_group_id,
        exceptions.trace_id,
        {{ trace_url('exceptions.trace_id') }} as trace_url,
        exceptions.user_id,
        exceptions.session_id,

        exceptions.deployment_environment,
        exceptions.service_namespace,
        exceptions.service_name,
        exceptions.service_version,
        exceptions.operation,
        exceptions.language,
        exceptions.exception_type,
        exceptions.exception_message,
        fingerprints.message_template,
        fingerprints.in_app_frames,
        exceptions.exception_stacktrace,

        exceptions.weight_micros / 1000000 as exception_count,
        exceptions.weight_micros,
        exceptions.span_event_count,
        exceptions.log_record_count,

        exceptions.exception_time,
    from exceptions
    inner join fingerprints
        on fingerprints.event_date = exceptions.event_date
        and fingerprints.text_id = exceptions.text_id
)

select * from final
