-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/census_2021_ethnic_group/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('ethnic_group', 'Asian', 'Asian, Asian British or Asian Welsh', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Black', 'Black, Black British, Black Welsh, Caribbean or African', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Mixed', 'Mixed or multiple ethnic groups', 'Mixed', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'White British', 'White British', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'White Other', 'White other than British', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Other', 'Other ethnic group', 'Other', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Does not apply', 'Does not apply', 'does not apply', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
