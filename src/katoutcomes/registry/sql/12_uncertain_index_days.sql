-- Patients whose index day may be wrong: a dosing session of theirs was rejected that lies before it, or on a day that
-- is not known.
select l.patient
from linked_sessions as l
inner join index_days as i
    on l.patient = i.patient
where
    l.is_dosing = 1
    and (l.day_number is null or l.day_number < i.index_day)
    and exists (
        select 1
        from problems as p
        where p.file = {{file}} and p.input_row = l.input_row
    )
group by l.patient
