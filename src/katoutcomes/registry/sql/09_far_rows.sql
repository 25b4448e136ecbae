-- Rows that lie too far from the index day, with their distance. Scores and adverse events count from it already.
with wide as (
    select patient, index_day
    from index_days
    where last_day - index_day > {{widest_span_days}} or index_day - first_day > {{widest_span_days}}
)
select 2 as file, s.input_row, s.day_number - w.index_day as day
from wide as w
inner join linked_sessions as s
    on s.patient = w.patient
where not exists (select 1 from problems as p where p.file = 2 and p.input_row = s.input_row)
union all
select 3 as file, s.input_row, s.day_number as day
from sound_scores as s
where abs(s.day_number) > {{widest_span_days}}
union all
select 4 as file, s.input_row, s.day_number as day
from sound_adverse_events as s
where abs(s.day_number) > {{widest_span_days}}
