-- How many courses the patients of the cohort have, the analyzed ones included.
select cast(sum(a.n_courses) as bigint)
from {{analyzed}} as a
