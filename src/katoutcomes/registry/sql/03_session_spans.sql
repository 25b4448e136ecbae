-- The first dose, the first and the last session of each patient, among the rows that have broken no rule.
select
    patient, min(case when is_dosing = 1 then day_number end) as first_dose_day,
    min(day_number) as first_day, max(day_number) as last_day
from linked_sessions
where input_row not in (select input_row from rejected_sessions)
group by patient
