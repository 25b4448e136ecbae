-- The scores of scales of a state in a session, with the session they belong to.
select
    s.instrument, s.session, s.total
from scores as s
inner join {{analyzed}} as a on a.patient = s.patient
where s.session is not null and s.total is not null
order by s.score nulls last
