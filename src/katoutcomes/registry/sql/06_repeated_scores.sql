-- Second and further sound scores of one instrument for one patient on one day. The first is the earliest by time
-- (an unknown time comes last), then the one whose score_id comes first: never the order of the rows in the file.
select numbered.input_row
from (
    select
        s.input_row,
        row_number() over (
            partition by s.patient, t.instrument, s.day_number
            order by t.minute_of_day nulls last, t.score_id nulls last
        ) as place
    from sound_scores as s
    inner join typed_scores as t
        on s.input_row = t.input_row
    inner join (
        select s2.patient, t2.instrument, s2.day_number
        from sound_scores as s2
        inner join typed_scores as t2
            on s2.input_row = t2.input_row
        group by s2.patient, t2.instrument, s2.day_number
        having count(*) > 1
    ) as crowded
        on s.patient = crowded.patient and t.instrument = crowded.instrument and s.day_number = crowded.day_number
) as numbered
where numbered.place > 1
