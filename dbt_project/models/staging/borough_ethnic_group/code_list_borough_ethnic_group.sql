-- generated from the contract; do not edit
-- noqa: disable=all
with final as (
    select column_name, value, label, grouping, valid_from, valid_to
    from (
        values
        ('ethnic_group', 'White', 'White', 'White', null, null),
        ('ethnic_group', 'Asian', 'Asian', 'Asian', null, null),
        ('ethnic_group', 'Black', 'Black', 'Black', null, null),
        ('ethnic_group', 'Mixed/ Other', 'Mixed or other', 'Mixed and Other', null, null),
        ('ethnic_group', 'Total', 'Total', 'total', null, null)
    ) as listed (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
