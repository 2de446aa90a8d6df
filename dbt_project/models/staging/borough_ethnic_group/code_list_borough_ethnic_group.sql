-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/borough_ethnic_group/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('ethnic_group', 'White', 'White', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Asian', 'Asian', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Black', 'Black', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Mixed/ Other', 'Mixed or other', 'Mixed and Other', cast(null as varchar), cast(null as varchar)),
        ('ethnic_group', 'Total', 'Total', 'total', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
