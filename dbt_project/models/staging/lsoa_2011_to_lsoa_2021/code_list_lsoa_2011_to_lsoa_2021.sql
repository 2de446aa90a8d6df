-- generated from the contract; do not edit
-- noqa: disable=all
with final as (
    select column_name, value, label, grouping, valid_from, valid_to
    from (
        values
        ('method', 'code unchanged', 'Code unchanged', 'exact', null, null),
        ('method', 'area overlap', 'Area overlap', 'approximate', null, null)
    ) as listed (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
