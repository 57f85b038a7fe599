{# Does a text match a seed's pattern: equal, or begins with what stands before a final *? #}
{% macro matches_pattern(text, pattern) -%}
    ({{ text }} = {{ pattern }} or (ends_with({{ pattern }}, '*') and starts_with({{ text }}, rtrim({{ pattern }}, '*'))))
{%- endmacro %}

{# Value, as text, of the column that a seed row names, among those it may name. #}
{% macro named_column(column_name, row, columns) -%}
    case {{ column_name }}
        {%- for column in columns %}
        when '{{ column }}' then cast({{ row }}.{{ column }} as string)
        {%- endfor %}
    end
{%- endmacro %}

{# CTE `bot_names`: the names of user agents among those of a relation that a row of the seed bot_agents matches. #}
{% macro bot_names(relation) -%}
agent_names as (
    select distinct user_agent_name
    from {{ relation }}
    where user_agent_name is not null
),

bot_names as (
    select distinct agent_names.user_agent_name as bot_name
    from agent_names
    inner join {{ ref('bot_agents') }} as bot_agents
        on {{ matches_pattern('agent_names.user_agent_name', 'bot_agents.user_agent_name') }}
)
{%- endmacro %}

{# Keys of marts are never NULL: what was not sent says so. #}
{% macro key_text(column) %}coalesce({{ column }}, '(not set)'){% endmacro %}

{# trace_id of the row with the largest non-negative integer, ties by trace_id: an aggregate. #}
{% macro trace_id_of_largest(number) -%}
    substr(max(case when {{ number }} >= 0 then concat(lpad(cast({{ number }} as string), 19, '0'), trace_id) end), 20)
{%- endmacro %}

{# service_name of the row with the largest non-negative integer, ties by name: an aggregate. #}
{% macro trace_service_of_largest(number) -%}
    substr(max(case when {{ number }} >= 0 then concat(lpad(cast({{ number }} as string), 19, '0'), service_name) end), 20)
{%- endmacro %}

{# Columns that rows of the seed excluded_traffic may name. #}
{% macro excludable_columns() %}
    {{ return(['name', 'service_name', 'http_route', 'http_path', 'user_agent_name', 'user_agent_synthetic_type']) }}
{% endmacro %}

{# Path of the request, without host, query and fragment. #}
{% macro http_path() -%}
    {{ url_path('coalesce(http_target, http_url)') }}
{%- endmacro %}

{# Path of a URL or of a request's target, without host, query and fragment. #}
{% macro url_path(url) -%}
    {{ re_extract(url, '^(?:[a-z]+://[^/?#]*)?([^?#]*)') }}
{%- endmacro %}

{# Columns that rows of the seed fact_rules may name. #}
{% macro rule_columns() %}
    {{ return([
        'page_name', 'event_name', 'http_route', 'http_method', 'span_kind', 'service_name', 'login_status', 'order_id',
        'order_total', 'payment_id', 'payment_status'
    ]) }}
{% endmacro %}
