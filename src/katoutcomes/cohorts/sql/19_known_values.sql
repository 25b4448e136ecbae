-- How many patients have a known value of a field.
select count(f.{{field}}) from {{fields}} as f
