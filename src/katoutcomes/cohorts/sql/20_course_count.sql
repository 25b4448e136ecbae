-- How many courses the patients of the cohort have, the analyzed first ones included.
select count(*)
from {{courses}} as c
inner join {{analyzed}} as a on a.patient = c.patient
