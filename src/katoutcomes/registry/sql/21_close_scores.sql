-- Scores that follow the one before, of the same instrument and patient, within the time that the questions look back
-- on, so that both tell of the same days.
select spaced.score as record, spaced.instrument as about
from (
    select
        c.score,
        c.instrument,
        c.day - lag(c.day) over (partition by c.patient, c.instrument order by c.day nulls last) as gap_days,
        r.recall_days
    from scores as c
    inner join recall_days as r
        on c.instrument = r.instrument
) as spaced
where spaced.gap_days < spaced.recall_days
