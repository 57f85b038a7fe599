{# Rendered from dbt/macros/ by `otelmart render`: do not edit. #}
{% macro macros_fingerprint() %}{{ return('82e7567664882ee0c0b78e23fa06a313ffdd613ccbbf5a65f8b26c963eb04702') }}{% endmacro %}
