-- Adverse events whose session was rejected after its link had been checked: it lies too far from the index day.
select e.input_row
from event_sessions as e
inner join typed_adverse_events as t
    on e.input_row = t.input_row
inner join typed_sessions as s
    on t.session_id = s.session_id
inner join problems as p
    on p.file = 2 and p.input_row = s.input_row
where e.patient = e.session_patient
