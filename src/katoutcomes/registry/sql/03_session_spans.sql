-- The first dose, the first and the last session of each patient, among the rows that have broken no rule.
with spans as (
    select
        d.patient_key, min(case when d.is_dosing = 1 then d.day_number end) as first_dose_day,
        min(d.day_number) as first_day, max(d.day_number) as last_day
    from session_days as d
    where d.input_row not in (select p.input_row from problems as p where p.file = {{file}})
    group by d.patient_key
)
select c.patient, s.first_dose_day, s.first_day, s.last_day
from spans as s
inner join patient_codes as c
    on s.patient_key = c.patient_key
where c.patient is not null
