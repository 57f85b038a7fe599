{{ config(
    schema='state',
    contract={'enforced': true},
    full_refresh=false,
    on_schema_change='append_new_columns',
    incremental_strategy='merge' if target.type == 'bigquery' else 'append',
) }}
-- Rows are only added: a number of a date as a build published it, when it is not what the build before had published.
-- A full refresh keeps them, and looks at all dates. Without a unique key BigQuery's merge only inserts.
{%- set current_definitions = definitions() if execute else '' %}
{%- set key = 'event_date, mart_name, number_name, deployment_environment, service_namespace, part' %}
{%- set dates = "event_date >= date '1970-01-01'" if flags.FULL_REFRESH else in_dates('event_date') %}
{%- set error_count = 'sum(' ~ exact_number('error_count') ~ ')' %}
{%- set request_count = 'sum(' ~ exact_number('request_count') ~ ')' %}
{%- set numbers = [
    ('fct_sessions', 'sessions', "'(all)'", 'count(*)'),
    ('fct_page_views', 'page_views', "'(all)'", 'count(*)'),
    ('fct_funnel_daily', 'funnel_sessions', "concat(funnel, ': ', step_name)", 'sum(session_count)'),
    ('fct_revenue_daily', 'orders', 'order_currency', 'sum(order_count)'),
    ('fct_revenue_daily', 'revenue', 'order_currency', 'sum(revenue)'),
    ('fct_registrations_daily', 'registrations', "'(all)'", 'sum(registration_count)'),
    ('fct_payments_daily', 'payments', "'(all)'", 'sum(payment_count)'),
    ('fct_logins_daily', 'login_attempts', "'(all)'", 'sum(attempt_count)'),
    ('fct_logins_daily', 'login_success_ratio', "'(all)'", ratio('sum(success_count)', 'sum(attempt_count)')),
    ('fct_latency_daily', 'requests', "'(all)'", request_count),
    ('fct_latency_daily', 'error_ratio', "'(all)'", ratio(to_float(error_count), to_float(request_count))),
    ('fct_errors_hourly', 'exceptions', "'(all)'", weighted_total('weight_micros', '1')),
] %}
with numbers as (
    {%- for mart, number, part, value in numbers %}
    select
        event_date,
        '{{ mart }}' as mart_name,
        '{{ number }}' as number_name,
        deployment_environment,
        service_namespace,
        {{ part }} as part,
        {{ to_money(value) }} as number_value,
    from {{ ref(mart) }}
    where {{ dates }}
    group by {{ key }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

published as (
    {%- if is_replacing_dates() %}
    select
        {{ key }},
        number_value,
        revision,
        ledger_entry_count,
        definitions,
    from {{ this }}
    where {{ dates }}
    qualify row_number() over (partition by {{ key }} order by revision desc) = 1
    {%- else %}
    select
        {{ key }},
        number_value,
        0 as revision,
        0 as ledger_entry_count,
        '' as definitions,
    from numbers
    where false
    {%- endif %}
),

ledger as (
    select event_date, count(*) as ledger_entry_count
    from {{ ref('stg_otel__ledger') }}
    where {{ dates }}
    group by event_date
),

last_build as (
    select max(build_time) as last_build_time
    from {{ source('state', 'last_build') }}
    where build_time < {{ as_of_time() }}
),

compared as (
    select
        {{ key }},
        numbers.number_value,
        coalesce(published.revision, 0) as last_revision,
        coalesce(ledger.ledger_entry_count, 0) as ledger_entry_count,
        case
            when published.revision is null then 'first'
            when published.definitions != '{{ current_definitions }}' then 'definitions'
            when coalesce(ledger.ledger_entry_count, 0) != published.ledger_entry_count then 'ledger'
            else 'other'
        end as cause,
        published.revision is null or numbers.number_value is distinct from published.number_value as is_news,
    from numbers
    full outer join published
        using ({{ key }})
    left join ledger
        using (event_date)
),

final as (
    select
        event_date,

        mart_name,
        number_name,
        deployment_environment,
        service_namespace,
        part,
        cause,
        '{{ current_definitions }}' as definitions,

        cast(last_revision + 1 as int64) as revision,
        number_value,
        ledger_entry_count,

        {{ as_of_time() }} as publish_time,
        last_build.last_build_time,
    from compared
    cross join last_build
    where is_news
)

select * from final
