-- What criteria may ask about a patient of the registry, besides the baseline score. Where only the age band is known, its
-- ends stand in for the age, so that a band meets a criterion only if every age in it does.
select
    p.*,
    4 * cast(substring(p.index_quarter, 1, 4) as bigint) + cast(substring(p.index_quarter, 6, 1) as bigint) - 1
        as index_quarter_number,
    coalesce(p.age_years, case p.age_band
        when '12-17' then 12 when '18-24' then 18 when '25-34' then 25 when '35-44' then 35
        when '45-54' then 45 when '55-64' then 55 when '65-74' then 65 when '75-89' then 75
    end) as age_years_at_least,
    coalesce(p.age_years, case p.age_band
        when '12-17' then 17 when '18-24' then 24 when '25-34' then 34 when '35-44' then 44
        when '45-54' then 54 when '55-64' then 64 when '65-74' then 74 when '75-89' then 89
    end) as age_years_at_most
from patients as p
