-- Rows that lie too far from the index day, with their distance.
select 2 as file, s.session as input_row, s.day
from sessions as s
where abs(s.day) > {{widest_span_days}}
union all
select 3 as file, s.input_row, s.day_number as day
from sound_scores as s
where abs(s.day_number) > {{widest_span_days}}
union all
select 4 as file, s.input_row, s.day_number as day
from sound_adverse_events as s
where abs(s.day_number) > {{widest_span_days}}
