-- Scores of another day than the session that they name.
select c.score as record, '' as about
from scores as c
inner join sessions as s
    on c.session = s.session
where c.day <> s.day
