-- generated from the contract; do not edit
-- noqa: disable=all
with final as (
    select column_name, value, label, grouping, valid_from, valid_to
    from (
        values
        ('ethnic_group', 'Asian', 'Asian, Asian British or Asian Welsh', 'Asian', null, null),
        ('ethnic_group', 'Black', 'Black, Black British, Black Welsh, Caribbean or African', 'Black', null, null),
        ('ethnic_group', 'Mixed', 'Mixed or multiple ethnic groups', 'Mixed', null, null),
        ('ethnic_group', 'White British', 'White British', 'White', null, null),
        ('ethnic_group', 'White Other', 'White other than British', 'White', null, null),
        ('ethnic_group', 'Other', 'Other ethnic group', 'Other', null, null),
        ('ethnic_group', 'Does not apply', 'Does not apply', 'does not apply', null, null)
    ) as listed (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
