-- The questionnaires of one instrument of the cohort's patients with their items, from the start of the baseline window
-- until the next course. On the day of the first dose one counts as before it unless both minutes are known and say
-- otherwise.
select
    s.*, s.day - c.first_day as course_day,
    case
        when s.day > c.first_day then 1
        when s.day = c.first_day and s.minute > c.first_minute then 1
        else 0
    end as is_after_dose
from scores as s
inner join {{analyzed}} as a on a.patient = s.patient
inner join {{index_course}} as c on c.patient = s.patient
where
    s.instrument = '{{instrument}}' and s.day - c.first_day >= {{first_day}}
    and (c.next_first_day is null or s.day < c.next_first_day)
order by s.patient nulls last, s.day nulls last, s.score nulls last
