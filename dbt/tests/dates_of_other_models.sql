{{ config(severity='warn') }}
-- Dates whose numbers were made by other models than these (a release before, or models since edited), so that they may
-- not compare with later ones. `otelmart build --full-refresh` makes all anew, of raw rows that are still there.
select distinct event_date
from {{ source('state', 'built_dates') }}
where coalesce(models, '') != '{{ models_fingerprint() if execute else '' }}'
    and event_date not in (select event_date from {{ source('state', 'changed_dates') }} where is_changed)
