-- Rows whose session was rejected after the link had been checked: it lies too far from the index day.
select e.file, e.input_row
from event_sessions as e
inner join problems as p
    on p.file = 2 and p.input_row = e.session
where e.patient = e.session_patient
