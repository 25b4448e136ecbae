-- Every score of one instrument, for people and for sub-scales.
select s.patient, s.day, s.minute, s.total
from scores as s
where s.instrument = '{{instrument}}'
order by s.score nulls last
