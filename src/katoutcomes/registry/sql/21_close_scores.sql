-- Scores that follow the one before, of the same instrument and patient, within the time that the questions look back
-- on, so that both tell of the same days.
select c.record, r.instrument as about
from close_scores as c
inner join recall_days as r
    on c.code = r.code
