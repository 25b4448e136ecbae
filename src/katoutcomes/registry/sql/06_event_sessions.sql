-- Every sound row that names a session, and that session's patient. `session_patient` is empty where there is no such
-- session (`in_sessions` 0) or where the session's own row was rejected (`in_sessions` 1).
select
    e.file,
    e.input_row,
    e.patient,
    k.session_patient,
    k.session,
    case when k.session_id is null then 0 else 1 end as in_sessions
from (
    select n.file, n.input_row, n.session_id, s.patient
    from named_sessions as n
    inner join sound_scores as s
        on n.input_row = s.input_row
    where n.file = 3
    union all
    select n.file, n.input_row, n.session_id, s.patient
    from named_sessions as n
    inner join sound_adverse_events as s
        on n.input_row = s.input_row
    where n.file = 4
) as e
left join named_keys as k
    on e.session_id = k.session_id
