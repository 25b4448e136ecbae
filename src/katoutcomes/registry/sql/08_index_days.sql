-- The index day: a patient's first dosing session; without one, the first record of any kind.
select
    patient,
    coalesce(min(case when is_dosing = 1 then day_number end), min(day_number)) as index_day
from records
group by patient
