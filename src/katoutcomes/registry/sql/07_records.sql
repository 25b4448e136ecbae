-- Everything that happened to a patient and broke no rule: file 2 is sessions, 3 scores, 4 adverse events.
select
    2 as file,
    s.input_row,
    s.patient,
    s.day_number,
    s.quarter_number,
    case when t.kind = 'dosing' then 1 else 0 end as is_dosing
from sound_sessions as s
inner join typed_sessions as t
    on s.input_row = t.input_row
union all
select 3 as file, input_row, patient, day_number, quarter_number, 0 as is_dosing
from sound_scores
union all
select 4 as file, input_row, patient, day_number, quarter_number, 0 as is_dosing
from sound_adverse_events
