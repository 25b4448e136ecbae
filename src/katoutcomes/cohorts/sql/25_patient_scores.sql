-- Every score of one instrument and one patient, in order of time.
select s.day, s.minute, s.total
from {{scores}} as s
where s.patient = {{patient}} and s.instrument = '{{instrument}}'
order by s.day nulls last
