-- The course that is analyzed, one row a patient who has it: the one with this number, or the last where the number is 0.
select c.*
from {{courses}} as c
where c.course = case when {{course}} = 0 then c.n_courses else {{course}} end
