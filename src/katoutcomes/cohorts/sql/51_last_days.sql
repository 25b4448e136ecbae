-- The last day of any session or score, by the quarter of the patient's first dose; patients whose quarter is not known
-- are left out.
with seen as (
    select s.patient, s.day from sessions as s
    union all
    select q.patient, q.day from scores as q
)
select p.index_quarter as quarter, max(e.day) as last_day
from seen as e
inner join patients as p on p.patient = e.patient
where p.index_quarter is not null
group by p.index_quarter
order by quarter nulls last
