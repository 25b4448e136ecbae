-- The sessions that scores or adverse events name. `session_patient` is empty where the session's own row was rejected.
with wanted as (
    select session_id
    from named_sessions
    group by session_id
)
select k.session_id, max(s.patient) as session_patient, cast(max(k.input_row) as int) as session
from session_keys as k
inner join wanted as w
    on k.session_id = w.session_id
left join sessions as s
    on k.input_row = s.session
group by k.session_id
