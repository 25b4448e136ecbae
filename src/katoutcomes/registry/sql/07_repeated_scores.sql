-- Second and further sound scores of one instrument for one patient on one day. The first is the earliest by time
-- (an unknown time comes last), then the one whose score_id comes first: never the order of the rows in the file.
select numbered.input_row
from (
    select
        s.input_row,
        row_number() over (
            partition by s.patient, s.scale, s.day_number
            order by o.minute nulls last, o.score_id nulls last
        ) as place
    from sound_scores as s
    inner join repeated_values as crowded
        on s.patient = crowded.patient and s.scale = crowded.scale and s.day_number = crowded.day_number
    inner join scores as o
        on s.input_row = o.score
) as numbered
where numbered.place > 1
