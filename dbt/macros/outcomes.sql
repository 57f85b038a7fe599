{# What a login or payment came to: what its status says, else its error, else what the names of its signals say. A span
   that bears no status and no error has succeeded: so do those who set status and error only when something is wrong. #}
{% macro outcome(status, error_type, is_error, is_named_a_failure) -%}
    coalesce({{ status }}, {{ error_type }}, case when {{ is_error }} then 'error' when {{ is_named_a_failure }} then 'failed' else 'success' end)
{%- endmacro %}

{% macro is_success(outcome) -%}
    lower({{ outcome }}) in ('success', 'succeeded', 'successful', 'ok', 'completed', 'approved')
{%- endmacro %}

{# login.failure, payment.failed, user.login.denied … #}
{% macro is_named_a_failure(name) -%}
    {{ re_matches('lower(' ~ name ~ ')', 'fail|denied|reject|error') }}
{%- endmacro %}
