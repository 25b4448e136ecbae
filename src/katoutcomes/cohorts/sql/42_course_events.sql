-- The adverse events of the cohort's patients from the first dose of the analyzed course until the next course.
select
    e.patient, e.session, e.day - c.first_day as course_day, e.term, e.severity, e.serious
from adverse_events as e
inner join {{analyzed}} as a on a.patient = e.patient
inner join {{index_course}} as c on c.patient = e.patient
where e.day >= c.first_day and (c.next_first_day is null or e.day < c.next_first_day)
order by e.patient nulls last, e.event nulls last
