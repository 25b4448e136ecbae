-- Patients of whom it is not sure that a session is left: they have none, or one that lies too far from the index day.
select p.patient
from patients as p
where not exists (
    select 1
    from index_days as i
    where
        i.patient = p.patient
        and i.last_day - i.index_day <= {{widest_span_days}}
        and i.index_day - i.first_day <= {{widest_span_days}}
)
