{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('ddd548d76b6e39e6fd08ef03644f797ec08fc152a12d7c9213cb3588e3de46d8') }}{% endmacro %}
