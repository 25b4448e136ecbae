-- The cohort: one row a patient who meets every criterion, with the analyzed course and what followed its first dose.
select
    c.patient, c.course, c.first_day, c.first_minute, c.last_day, c.n_doses, c.n_courses, c.route, c.approach,
    c.first_dose_mg, c.induction_doses, c.maintenance_doses, c.reinductions,
    c.last_induction_day - c.first_day as end_of_induction_day,
    coalesce(x.integration_within_72_hours, 0) as integration_within_72_hours,
    coalesce(x.integration_within_7_days, 0) as integration_within_7_days,
    coalesce(x.integration_sessions_by_day_28, 0) as integration_sessions_by_day_28,
    coalesce(x.any_integration_by_day_84, 0) as any_integration_by_day_84
from {{eligibility}} as e
inner join {{phase_counts}} as c on c.patient = e.patient
left join {{exposure}} as x on x.patient = e.patient
where e.first_failed = 0
