{# Stops a run whose variables make no sense, naming the variable, its value and what it may be. #}
{% macro check_variables() %}
    {% if execute %}
        {% for name, unit, most in [
            ('session_gap_minutes', 'minutes', 24 * 60),
            ('clock_skew_seconds', 'seconds', 24 * 60 * 60),
            ('final_after_days', 'days', 3650),
            ('lookback_days', 'days', 3650),
        ] %}
            {% set value = var(name) %}
            {% if value is not integer or value is boolean or value < 0 or value > most %}
                {{ wrong_variable(name, value, 'a whole number of ' ~ unit ~ ', 0 to ' ~ most) }}
            {% endif %}
        {% endfor %}
        {% if var('reporting_time_zone') not in modules.pytz.all_timezones_set %}
            {{ wrong_variable('reporting_time_zone', var('reporting_time_zone'), 'an IANA name such as Europe/Berlin') }}
        {% endif %}
        {% set template = var('trace_url_template') %}
        {% if template is not string or template and (template.count('{trace_id}') != 1 or "'" in template or '\\' in template) %}
            {{ wrong_variable('trace_url_template', template, 'empty, or a URL with {trace_id} in it once, without quote and backslash') }}
        {% endif %}
        {% do check_as_of() %}
    {% endif %}
{% endmacro %}

{# Asked wherever dates are reckoned from it: some are when dbt reads the project, before a run. #}
{% macro check_as_of() %}
    {% if var('as_of') != 'now' and not is_time(var('as_of') | string) %}
        {{ wrong_variable('as_of', var('as_of'), 'now, or a UTC time such as 2026-03-04 00:00:00') }}
    {% endif %}
{% endmacro %}

{# Whether a text is a date, or a date and time, that the calendar has. #}
{% macro is_time(text) %}
    {% if not modules.re.fullmatch('\d{4}-\d\d-\d\d( ([01]\d|2[0-3]):[0-5]\d:[0-5]\d)?', text) %}{{ return(false) }}{% endif %}
    {% set year, month, day = text[:4] | int, text[5:7] | int, text[8:10] | int %}
    {% if not 1970 <= year < 9999 or not 1 <= month <= 12 %}{{ return(false) }}{% endif %}
    {% set next_month = modules.datetime.date(year + month // 12, month % 12 + 1, 1) %}
    {{ return(1 <= day <= (next_month - modules.datetime.timedelta(days=1)).day) }}
{% endmacro %}

{% macro wrong_variable(name, value, allowed) %}
    {{ exceptions.raise_compiler_error('variable ' ~ name ~ ' is ' ~ (value | tojson) ~ '; it must be ' ~ allowed ~ ': see vars in dbt/dbt_project.yml') }}
{% endmacro %}

{# "Now" of a run, as a timestamp literal: models never ask the clock. #}
{% macro as_of_time() %}
    {%- set now = run_started_at.strftime('%Y-%m-%d %H:%M:%S') if var('as_of') == 'now' else var('as_of') | string -%}
    {{ utc_literal(now if now | length > 10 else now ~ ' 00:00:00') }}
{%- endmacro %}

{% macro as_of_date() -%}
    {%- do check_as_of() -%}
    {%- set today = run_started_at.strftime('%Y-%m-%d') if var('as_of') == 'now' else (var('as_of') | string)[:10] -%}
    date '{{ today }}'
{%- endmacro %}
