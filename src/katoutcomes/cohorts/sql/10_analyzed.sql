-- The cohort: one row a patient who meets every criterion, with the first course and what followed its first dose.
select
    p.*, c.course, c.first_day, c.first_minute, c.last_day, c.n_doses, c.route, c.approach, c.first_dose_mg,
    x.integration_within_72_hours, x.integration_within_7_days, x.integration_sessions_by_day_28,
    x.any_integration_by_day_84
from {{eligibility}} as e
inner join patients as p on p.patient = e.patient
inner join {{courses}} as c on c.patient = e.patient and c.course = 1
inner join {{exposure}} as x on x.patient = e.patient
where e.first_failed = 0
