-- The first questions of eligibility, asked of every patient of the registry: is there a dosing session, is it certain
-- that none came before it, and is there the course that is asked for (0 is the last)? first_failed is the number of the
-- first question that a patient fails, 0 as long as there is none.
select
    p.patient,
    case
        when c.patient is null then 1
        when u.patient is not null then 2
        when c.n_courses < {{course}} then 3
        else 0
    end as first_failed
from patients as p
left join {{courses}} as c on c.patient = p.patient and c.course = 1
left join uncertain_index_days as u on u.patient = p.patient
