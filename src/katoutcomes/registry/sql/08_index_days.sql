-- The index day: a patient's first dosing session; without one, the first record of any kind. And the first and the
-- last session, which show whether one lies too far from it.
with first_records as (
    select r.patient, min(r.day_number) as first_day
    from (
        select patient, first_day as day_number from session_spans
        union all
        select patient, day_number from sound_scores
        union all
        select patient, day_number from sound_adverse_events
    ) as r
    inner join placed_patients as w
        on r.patient = w.patient
    where w.has_dose = 0
    group by r.patient
)
select s.patient, s.first_dose_day as index_day, s.first_day, s.last_day, 1 as has_dose
from session_spans as s
where s.first_dose_day is not null
union all
select f.patient, f.first_day as index_day, s.first_day, s.last_day, 0 as has_dose
from first_records as f
left join session_spans as s
    on f.patient = s.patient
