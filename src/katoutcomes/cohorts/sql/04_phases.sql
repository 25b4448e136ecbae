-- The doses of the analyzed course, numbered. A run of doses ends where the next dose comes more than largest_gap_days
-- later; the induction is the first run, as far as its first most_doses doses. run_day is the day of a run's first dose.
with numbered as (
    select
        d.patient, d.day, d.minute, d.place, d.place - c.first_place + 1 as dose,
        case
            when d.place = c.first_place then 0
            when d.day - d.previous_day > {{largest_gap_days}} then 1
        end as new_run
    from {{dosing_sessions}} as d
    inner join {{index_course}} as c on c.patient = d.patient and c.course = d.course
),
in_runs as (
    select
        n.patient, n.day, n.minute, n.place, n.dose,
        cast(sum(coalesce(n.new_run, 0)) over in_order as bigint) as run,
        max(case when n.new_run is not null then n.day end) over in_order as run_day
    from numbered as n
    window in_order as (
        partition by n.patient order by n.place nulls last rows between unbounded preceding and current row
    )
)
select
    r.patient, r.day, r.minute, r.place, r.dose, r.run, r.run_day,
    case when r.run = 0 and r.dose <= {{most_doses}} then 1 else 0 end as is_induction
from in_runs as r
