-- Second and further sound scores of one instrument for one patient on one day. The first is the earliest by time
-- (an unknown time comes last), then the one whose score_id comes first: never the order of the rows in the file.
select numbered.input_row
from (
    select
        c.input_row,
        row_number() over (
            partition by c.patient, c.scale, c.day_number
            order by o.minute nulls last, o.own_key nulls last
        ) as place
    from repeated_values as c
    inner join sound_scores as o
        on c.input_row = o.input_row
) as numbered
where numbered.place > 1
