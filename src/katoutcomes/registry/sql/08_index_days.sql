-- The index day: a patient's first dosing session; without one, the first record of any kind. And the first and the
-- last day of all, which show whether anything lies too far from it.
with spans as (
    select
        patient, min(case when is_dosing = 1 then day_number end) as first_dose_day,
        min(day_number) as first_day, max(day_number) as last_day
    from sound_sessions
    group by patient
    union all
    select patient, cast(null as int) as first_dose_day, min(day_number) as first_day, max(day_number) as last_day
    from sound_scores
    group by patient
    union all
    select patient, cast(null as int) as first_dose_day, min(day_number) as first_day, max(day_number) as last_day
    from sound_adverse_events
    group by patient
)
select
    patient,
    coalesce(min(first_dose_day), min(first_day)) as index_day,
    min(first_day) as first_day,
    max(last_day) as last_day
from spans
group by patient
