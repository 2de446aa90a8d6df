-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/lsoa_2011_to_lsoa_2021/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('method', 'code unchanged', 'Code unchanged', 'exact', cast(null as varchar), cast(null as varchar)),
        ('method', 'area overlap', 'Area overlap', 'approximate', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
