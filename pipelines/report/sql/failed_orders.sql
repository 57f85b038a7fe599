-- Attempts to order that failed, by what the payment said and which version of which service took them.
select
    service_name,
    coalesce(service_version, '(not set)') as service_version,
    coalesce(payment_status, 'payment not reached') as payment_status,
    count(*) as failed_order_count,
    min(order_time) as first_time,
    max(order_time) as last_time,
    min(trace_id) as sample_trace_id,
from marts.fct_orders
where deployment_environment = $environment
    and order_status = 'failed'
group by all
order by failed_order_count desc, service_name, service_version, payment_status
