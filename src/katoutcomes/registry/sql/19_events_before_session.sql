-- Adverse events that began before the session that they are linked to.
select e.event as record, '' as about
from adverse_events as e
inner join sessions as s
    on e.session = s.session
where e.day < s.day
