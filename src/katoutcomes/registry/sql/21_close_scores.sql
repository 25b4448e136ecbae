-- Scores that follow the one before, of the same instrument and patient, within the time that the questions look back
-- on, so that both tell of the same days. No instrument looks back on more than longest_recall_days.
select spaced.score as record, spaced.instrument as about
from (
    select
        c.score,
        c.instrument,
        c.day - lag(c.day) over (partition by c.patient, c.instrument order by c.day nulls last) as gap_days
    from scores as c
) as spaced
inner join recall_days as r
    on spaced.instrument = r.instrument
where spaced.gap_days < {{longest_recall_days}} and spaced.gap_days < r.recall_days
