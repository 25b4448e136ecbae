-- Every sound adverse event that names a session, and that session's patient. `session_patient` is empty where there
-- is no such session (`in_sessions` 0) or where the session's own row was rejected (`in_sessions` 1).
select
    e.input_row,
    e.patient,
    s.patient as session_patient,
    case when named.session_id is null then 0 else 1 end as in_sessions
from sound_adverse_events as e
inner join typed_adverse_events as t
    on e.input_row = t.input_row
left join (
    select session_id
    from typed_sessions
    where session_id is not null
    group by session_id
) as named
    on t.session_id = named.session_id
left join (
    select typed.session_id, sound.patient
    from sound_sessions as sound
    inner join typed_sessions as typed
        on sound.input_row = typed.input_row
) as s
    on t.session_id = s.session_id
where t.session_id is not null
