-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/calls_for_service/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('grade', 'I', 'Immediate', 'attended', cast(null as varchar), cast(null as varchar)),
        ('grade', 'S', 'Significant', 'attended', cast(null as varchar), cast(null as varchar)),
        ('grade', 'E', 'Extended', 'attended', cast(null as varchar), cast(null as varchar)),
        ('grade', 'R', 'Referred', 'not attended', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
