-- How many accepted patients have neither an accepted session nor an accepted score.
select count(*)
from unsure_patients as u
left join (
    select s.patient
    from sessions as s
    inner join unsure_patients as w
        on s.patient = w.patient
    union all
    select c.patient
    from scores as c
    inner join unsure_patients as w
        on c.patient = w.patient
) as seen
    on seen.patient = u.patient
where seen.patient is null
