-- One row a patient of the cohort: the last course day before the next course on which anything at all was recorded.
with records as (
    select s.patient, s.day from sessions as s
    union all
    select q.patient, q.day from scores as q
    union all
    select e.patient, e.day from adverse_events as e
)
select
    a.patient, max(r.day - c.first_day) as last_course_day
from {{analyzed}} as a
inner join {{index_course}} as c on c.patient = a.patient
inner join records as r on r.patient = a.patient
where r.day >= c.first_day and (c.next_first_day is null or r.day < c.next_first_day)
group by a.patient
order by a.patient nulls last
