{# Whether rows with one identity, of which staging keeps one, differ in any of the columns. #}
{% macro copies_differ(columns, window, relation, lists=[]) -%}
    {%- set texts = [] -%}
    {%- for column in columns + lists %}
        {%- set told = relation ~ '.' ~ column %}
        {%- do texts.append("coalesce(" ~ (list_text(told) if column in lists else "cast(" ~ told ~ " as string)") ~ ", '')") %}
    {%- endfor %}
    {%- set told = 'concat(' ~ texts | join(', chr(31), ') ~ ')' -%}
    min({{ told }}) over ({{ window }}) != max({{ told }}) over ({{ window }})
{%- endmacro %}

{# What a copy of a span may tell otherwise: whatever a mart reads of it. #}
{% macro told_columns() -%}
    {{ return([
        'parent_span_id', 'name', 'status_code', 'start_time', 'end_time', 'sent_adjusted_count',
        'deployment_environment', 'service_namespace', 'service_name', 'service_version', 'service_instance_id',
        'telemetry_sdk_language', 'http_method', 'http_route', 'http_path', 'http_status_code', 'error_type',
        'user_id', 'user_name', 'session_id', 'user_agent_name', 'user_agent_synthetic_type', 'client_address',
        'page_name', 'page_url', 'page_load_time_ms', 'product_id', 'event_name',
        'web_vital_name', 'web_vital_id', 'web_vital_value', 'login_status', 'login_failure_reason',
        'order_id', 'order_currency', 'order_total', 'order_items_count', 'payment_id', 'payment_method',
        'payment_currency', 'payment_amount', 'payment_status', 'payment_transaction_id', 'payment_gateway',
        'db_system', 'db_namespace', 'db_operation', 'db_collection', 'db_query_summary', 'rpc_system', 'rpc_service',
        'rpc_method', 'messaging_system', 'messaging_destination', 'messaging_operation', 'peer_service', 'server_address'
    ]) }}
{%- endmacro %}
