-- generated from the contract; do not edit
-- noqa: disable=all
with final as (
    select column_name, value, label, grouping, valid_from, valid_to
    from (
        values
        ('survey', 'PAS', 'Public Attitude Survey', null, null, null),
        ('borough', 'Barking and Dagenham', 'Barking and Dagenham', 'borough', null, null),
        ('borough', 'Barnet', 'Barnet', 'borough', null, null),
        ('borough', 'Bexley', 'Bexley', 'borough', null, null),
        ('borough', 'Brent', 'Brent', 'borough', null, null),
        ('borough', 'Bromley', 'Bromley', 'borough', null, null),
        ('borough', 'Camden', 'Camden', 'borough', null, null),
        ('borough', 'Croydon', 'Croydon', 'borough', null, null),
        ('borough', 'Ealing', 'Ealing', 'borough', null, null),
        ('borough', 'Enfield', 'Enfield', 'borough', null, null),
        ('borough', 'Greenwich', 'Greenwich', 'borough', null, null),
        ('borough', 'Hackney', 'Hackney', 'borough', null, null),
        ('borough', 'Hammersmith and Fulham', 'Hammersmith and Fulham', 'borough', null, null),
        ('borough', 'Haringey', 'Haringey', 'borough', null, null),
        ('borough', 'Harrow', 'Harrow', 'borough', null, null),
        ('borough', 'Havering', 'Havering', 'borough', null, null),
        ('borough', 'Hillingdon', 'Hillingdon', 'borough', null, null),
        ('borough', 'Hounslow', 'Hounslow', 'borough', null, null),
        ('borough', 'Islington', 'Islington', 'borough', null, null),
        ('borough', 'Kensington and Chelsea', 'Kensington and Chelsea', 'borough', null, null),
        ('borough', 'Kingston upon Thames', 'Kingston upon Thames', 'borough', null, null),
        ('borough', 'Lambeth', 'Lambeth', 'borough', null, null),
        ('borough', 'Lewisham', 'Lewisham', 'borough', null, null),
        ('borough', 'Merton', 'Merton', 'borough', null, null),
        ('borough', 'Newham', 'Newham', 'borough', null, null),
        ('borough', 'Redbridge', 'Redbridge', 'borough', null, null),
        ('borough', 'Richmond upon Thames', 'Richmond upon Thames', 'borough', null, '2023-03'),
        ('borough', 'Richmond Upon Thames', 'Richmond upon Thames', 'borough', '2023-06', null),
        ('borough', 'Southwark', 'Southwark', 'borough', null, null),
        ('borough', 'Sutton', 'Sutton', 'borough', null, null),
        ('borough', 'Tower Hamlets', 'Tower Hamlets', 'borough', null, null),
        ('borough', 'Waltham Forest', 'Waltham Forest', 'borough', null, null),
        ('borough', 'Wandsworth', 'Wandsworth', 'borough', null, null),
        ('borough', 'City of Westminster', 'Westminster', 'borough', null, null),
        ('borough', 'Westminster', 'Westminster', 'borough', null, null),
        ('measure', 'Trust MPS', 'Trust the Metropolitan Police', 'headline', '2016-03', null),
        ('measure', '"Good Job" local', 'Police do a good job locally', 'headline', null, null),
        ('measure', 'Treat everyone fairly', 'Police treat everyone fairly', 'supporting', null, null),
        ('measure', 'Relied on to be there', 'Police can be relied on to be there when needed', 'supporting', null, null),
        ('measure', 'Listen to concerns', 'Police listen to local concerns', 'supporting', null, null),
        ('measure', 'Understand issues', 'Police understand local issues', 'supporting', null, null),
        ('measure', 'Informed local', 'Feels well informed about local policing', 'supporting', null, null),
        ('measure', 'Contact ward officer', 'Knows how to contact the ward officer', 'supporting', null, null)
    ) as listed (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
