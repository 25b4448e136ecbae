-- The cohort: one row a patient who meets every criterion, with the analyzed course and what followed its first dose.
select
    p.*, c.course, c.first_day, c.first_minute, c.last_day, c.n_doses, c.n_courses, c.route, c.approach,
    c.first_dose_mg,
    n.induction_doses, n.maintenance_doses, n.reinductions,
    n.last_induction_day - c.first_day as end_of_induction_day,
    x.integration_within_72_hours, x.integration_within_7_days, x.integration_sessions_by_day_28,
    x.any_integration_by_day_84
from {{eligibility}} as e
inner join patients as p on p.patient = e.patient
inner join {{index_course}} as c on c.patient = e.patient
inner join {{phase_counts}} as n on n.patient = e.patient
inner join {{exposure}} as x on x.patient = e.patient
where e.first_failed = 0
