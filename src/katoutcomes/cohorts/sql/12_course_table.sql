-- For people: every course of the cohort's patients, the analyzed one (course 1) with its baseline and exposure.
select
    a.patient_id, c.course, case when c.course = 1 then 1 else 0 end as is_analyzed,
    c.first_day, c.last_day, c.n_doses, c.route, c.approach, c.first_dose_mg,
    b.baseline_score, b.baseline_day,
    x.integration_within_72_hours, x.integration_within_7_days, x.integration_sessions_by_day_28,
    x.any_integration_by_day_84
from {{analyzed}} as a
inner join {{courses}} as c on c.patient = a.patient
left join {{baseline}} as b on b.patient = c.patient and c.course = 1
left join {{exposure}} as x on x.patient = c.patient and c.course = 1
order by a.patient_id nulls last, c.course nulls last
