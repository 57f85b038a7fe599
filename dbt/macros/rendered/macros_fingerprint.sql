{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('9dc94a3c5d5b31f0707343bdbfae3403b2c875e8b42bcd51941bde2f861f42ac') }}{% endmacro %}
