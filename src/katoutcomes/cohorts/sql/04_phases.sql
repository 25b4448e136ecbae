-- The doses of the analyzed course, numbered. A run of doses ends where the next dose comes more than largest_gap_days
-- later; the induction is the first run, as far as its first most_doses doses.
with numbered as (
    select
        d.patient, d.day, d.minute, d.place,
        row_number() over in_order as dose,
        d.day - lag(d.day) over in_order as gap
    from {{dosing_sessions}} as d
    inner join {{index_course}} as c on c.patient = d.patient and c.course = d.course
    window in_order as (partition by d.patient order by d.place nulls last)
),
in_runs as (
    select
        n.patient, n.day, n.minute, n.place, n.dose,
        cast(
            sum(case when n.gap > {{largest_gap_days}} then 1 else 0 end) over (
                partition by n.patient order by n.dose nulls last rows between unbounded preceding and current row
            ) as bigint
        ) as run
    from numbered as n
)
select
    r.patient, r.day, r.minute, r.place, r.dose, r.run,
    min(r.day) over (partition by r.patient, r.run) as run_day,
    case when r.run = 0 and r.dose <= {{most_doses}} then 1 else 0 end as is_induction
from in_runs as r
