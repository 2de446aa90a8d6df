-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/mopac_public_attitude_survey/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('survey', 'PAS', 'Public Attitude Survey', cast(null as varchar), cast(null as varchar), cast(null as varchar)),
        ('borough', 'Barking and Dagenham', 'Barking and Dagenham', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Barnet', 'Barnet', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Bexley', 'Bexley', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Brent', 'Brent', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Bromley', 'Bromley', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Camden', 'Camden', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Croydon', 'Croydon', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Ealing', 'Ealing', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Enfield', 'Enfield', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Greenwich', 'Greenwich', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Hackney', 'Hackney', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Hammersmith and Fulham', 'Hammersmith and Fulham', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Haringey', 'Haringey', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Harrow', 'Harrow', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Havering', 'Havering', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Hillingdon', 'Hillingdon', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Hounslow', 'Hounslow', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Islington', 'Islington', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Kensington and Chelsea', 'Kensington and Chelsea', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Kingston upon Thames', 'Kingston upon Thames', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Lambeth', 'Lambeth', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Lewisham', 'Lewisham', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Merton', 'Merton', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Newham', 'Newham', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Redbridge', 'Redbridge', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Richmond upon Thames', 'Richmond upon Thames', 'borough', cast(null as varchar), '2023-03'),
        ('borough', 'Richmond Upon Thames', 'Richmond upon Thames', 'borough', '2023-06', cast(null as varchar)),
        ('borough', 'Southwark', 'Southwark', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Sutton', 'Sutton', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Tower Hamlets', 'Tower Hamlets', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Waltham Forest', 'Waltham Forest', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Wandsworth', 'Wandsworth', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'City of Westminster', 'Westminster', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Westminster', 'Westminster', 'borough', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Trust MPS', 'Trust the Metropolitan Police', 'headline', '2016-03', cast(null as varchar)),
        ('measure', '"Good Job" local', 'Police do a good job locally', 'headline', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Treat everyone fairly', 'Police treat everyone fairly', 'supporting', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Relied on to be there', 'Police can be relied on to be there when needed', 'supporting', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Listen to concerns', 'Police listen to local concerns', 'supporting', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Understand issues', 'Police understand local issues', 'supporting', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Informed local', 'Feels well informed about local policing', 'supporting', cast(null as varchar), cast(null as varchar)),
        ('measure', 'Contact ward officer', 'Knows how to contact the ward officer', 'supporting', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
