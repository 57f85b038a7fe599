{# Stops a run whose variables make no sense, naming the variable, its value and what it may be. #}
{% macro check_variables() %}
    {% if execute %}
        {% for name in ('session_gap_minutes', 'clock_skew_seconds', 'final_after_days', 'lookback_days') %}
            {% set value = var(name) %}
            {% if value is not integer or value is boolean or value < 0 %}
                {{ wrong_variable(name, value, 'a whole number of ' ~ name.split('_')[-1] ~ ', 0 or more') }}
            {% endif %}
        {% endfor %}
        {% if var('reporting_time_zone') not in modules.pytz.all_timezones_set %}
            {{ wrong_variable('reporting_time_zone', var('reporting_time_zone'), 'an IANA name such as Europe/Berlin') }}
        {% endif %}
        {% set template = var('trace_url_template') %}
        {% if template is not string or template and (template.count('{trace_id}') != 1 or "'" in template or '\\' in template) %}
            {{ wrong_variable('trace_url_template', template, 'empty, or a URL with {trace_id} in it once, without quote and backslash') }}
        {% endif %}
        {% if var('as_of') != 'now' and not modules.re.fullmatch('\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?', var('as_of') | string) %}
            {{ wrong_variable('as_of', var('as_of'), 'now, or a UTC time such as 2026-03-04 00:00:00') }}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro wrong_variable(name, value, allowed) %}
    {{ exceptions.raise_compiler_error('variable ' ~ name ~ ' is ' ~ (value | tojson) ~ '; it must be ' ~ allowed) }}
{% endmacro %}

{# "Now" of a run, as a timestamp literal: models never ask the clock. #}
{% macro as_of_time() %}
    {%- set now = run_started_at.strftime('%Y-%m-%d %H:%M:%S') if var('as_of') == 'now' else var('as_of') | string -%}
    {{ utc_literal(now if now | length > 10 else now ~ ' 00:00:00') }}
{%- endmacro %}

{% macro as_of_date() -%}
    {%- set today = run_started_at.strftime('%Y-%m-%d') if var('as_of') == 'now' else (var('as_of') | string)[:10] -%}
    date '{{ today }}'
{%- endmacro %}
