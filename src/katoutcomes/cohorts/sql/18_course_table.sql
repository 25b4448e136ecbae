-- For people: every course of the cohort's patients, the analyzed one with its baseline, phases and exposure.
select
    p.patient_id, c.course, case when c.course = a.course then 1 else 0 end as is_analyzed,
    c.first_day, c.last_day, c.n_doses, c.route, c.approach, c.first_dose_mg,
    b.score as baseline_score, b.course_day as baseline_day,
    case when c.course = a.course then a.induction_doses end as induction_doses,
    case when c.course = a.course then a.end_of_induction_day end as end_of_induction_day,
    case when c.course = a.course then a.maintenance_doses end as maintenance_doses,
    case when c.course = a.course then a.reinductions end as reinductions,
    case when c.course = a.course then a.integration_within_72_hours end as integration_within_72_hours,
    case when c.course = a.course then a.integration_within_7_days end as integration_within_7_days,
    case when c.course = a.course then a.integration_sessions_by_day_28 end as integration_sessions_by_day_28,
    case when c.course = a.course then a.any_integration_by_day_84 end as any_integration_by_day_84
from {{analyzed}} as a
inner join patients as p on p.patient = a.patient
inner join {{courses}} as c on c.patient = a.patient
left join {{baseline}} as b on b.patient = c.patient and c.course = a.course
order by p.patient_id nulls last, c.course nulls last
