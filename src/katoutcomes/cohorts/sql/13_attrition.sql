-- How many patients fail each question first; 0 are those who fail none.
select e.first_failed, count(*) as n_patients
from {{eligibility}} as e
group by e.first_failed
order by e.first_failed nulls last
