-- Every sound row that names a session, and that session's patient. `session_patient` is empty where there is no such
-- session (`in_sessions` 0) or where the session's own row was rejected (`in_sessions` 1).
with wanted as (
    select session_id
    from named_sessions
    group by session_id
),
found as (
    select k.session_id, max(s.patient) as patient, max(k.input_row) as input_row
    from session_keys as k
    inner join wanted as w
        on k.session_id = w.session_id
    left join sound_sessions as s
        on k.input_row = s.input_row
    group by k.session_id
)
select
    e.file,
    e.input_row,
    e.patient,
    f.patient as session_patient,
    f.input_row as session_row,
    case when f.session_id is null then 0 else 1 end as in_sessions
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
left join found as f
    on e.session_id = f.session_id
