-- Every session of the cohort's patients from the first dose of the analyzed course until the next course.
select
    s.patient, s.kind, s.day - c.first_day as course_day
from sessions as s
inner join {{analyzed}} as a on a.patient = s.patient
inner join {{index_course}} as c on c.patient = s.patient
where s.day >= c.first_day and (c.next_first_day is null or s.day < c.next_first_day)
order by s.patient nulls last, s.session nulls last
