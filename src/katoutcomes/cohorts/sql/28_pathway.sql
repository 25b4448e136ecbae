-- One row a patient of the cohort: the course day of the first session of each kind on its side of the first dose, and
-- of the first that follows the step before. Screening and preparation count before the dose and after the course before;
-- integration and follow-up after the dose and before the next course. On day 0 a session is on its own side unless both
-- minutes are known and say otherwise.
with placed as (
    select
        s.patient, s.kind, s.day - c.first_day as course_day
    from sessions as s
    inner join {{index_course}} as c on c.patient = s.patient
    where
        (
            s.kind in ('screening', 'preparation')
            and s.day <= c.first_day
            and (c.previous_last_day is null or s.day > c.previous_last_day)
            and not (s.day = c.first_day and coalesce(s.minute > c.first_minute, false))
        )
        or (
            s.kind in ('integration', 'follow_up')
            and s.day >= c.first_day
            and (c.next_first_day is null or s.day < c.next_first_day)
            and not (s.day = c.first_day and coalesce(s.minute < c.first_minute, false))
        )
),
firsts as (
    select
        p.patient,
        min(case when p.kind = 'screening' then p.course_day end) as screening_day,
        min(case when p.kind = 'preparation' then p.course_day end) as preparation_day,
        min(case when p.kind = 'integration' then p.course_day end) as integration_day,
        min(case when p.kind = 'follow_up' then p.course_day end) as follow_up_day
    from placed as p
    group by p.patient
),
followed as (
    select
        p.patient,
        min(
            case when p.kind = 'preparation' and p.course_day >= f.screening_day then p.course_day end
        ) as preparation_after_screening,
        min(
            case when p.kind = 'follow_up' and p.course_day >= f.integration_day then p.course_day end
        ) as follow_up_after_integration
    from placed as p
    inner join firsts as f on f.patient = p.patient
    group by p.patient
)
select
    a.patient, f.screening_day, f.preparation_day, f.integration_day, f.follow_up_day,
    w.preparation_after_screening, w.follow_up_after_integration
from {{analyzed}} as a
left join firsts as f on f.patient = a.patient
left join followed as w on w.patient = a.patient
order by a.patient nulls last
