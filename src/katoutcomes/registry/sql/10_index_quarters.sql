-- The calendar quarter of the index day, for files that give dates. Days count from 1970-01-01; the civil date is worked
-- out in whole numbers, in years that begin on March 1 and eras of 400 of them.
with eras as (
    select i.patient, i.index_day + 719468 - 146097 * floor((i.index_day + 719468) / 146097e0) as day_of_era,
        floor((i.index_day + 719468) / 146097e0) as era
    from index_days as i
),
years as (
    select e.patient, e.era, e.day_of_era,
        floor((e.day_of_era - floor(e.day_of_era / 1460e0) + floor(e.day_of_era / 36524e0)
            - floor(e.day_of_era / 146096e0)) / 365e0) as year_of_era
    from eras as e
),
months as (
    select y.patient, y.era, y.year_of_era,
        floor((5 * (y.day_of_era - 365 * y.year_of_era - floor(y.year_of_era / 4e0)
            + floor(y.year_of_era / 100e0)) + 2) / 153e0) as months_since_march
    from years as y
)
select
    m.patient,
    cast(m.year_of_era + 400 * m.era + case when m.months_since_march >= 10 then 1 else 0 end as int) as year,
    case
        when m.months_since_march >= 10 or m.months_since_march < 1 then 1
        when m.months_since_march < 4 then 2
        when m.months_since_march < 7 then 3
        else 4
    end as quarter
from months as m
