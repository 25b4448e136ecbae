-- The number of the first question of eligibility that one patient fails, 0 if none.
select e.first_failed
from {{eligibility}} as e
where e.patient = {{patient}}
