-- The course that is analyzed, one row a patient who has it: the one with this number, or the last where the number is
-- 0. With it, where the courses before and after it end and begin, and how many there are.
with counted as (
    select
        c.*,
        count(*) over (partition by c.patient) as n_courses,
        lag(c.last_day) over in_order as previous_last_day,
        lead(c.first_day) over in_order as next_first_day
    from {{courses}} as c
    window in_order as (partition by c.patient order by c.course nulls last)
)
select *
from counted
where course = case when {{course}} = 0 then n_courses else {{course}} end
