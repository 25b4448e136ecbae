-- Every score of one instrument with its items.
select s.*
from scores as s
where s.instrument = '{{instrument}}'
order by s.score nulls last
