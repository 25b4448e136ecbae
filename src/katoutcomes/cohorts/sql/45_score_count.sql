-- How many scores of one instrument the analyzed patients have.
select count(*)
from {{scores}} as s
inner join {{courses}} as c on c.patient = s.patient
where s.instrument = '{{instrument}}' and s.total is not null
