-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/mps_ward_crime/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('offence_group', 'Arson and Criminal Damage', 'Arson and Criminal Damage', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'ARSON AND CRIMINAL DAMAGE', 'Arson and Criminal Damage', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Burglary', 'Burglary', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'BURGLARY', 'Burglary', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Drug Offences', 'Drug Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'DRUG OFFENCES', 'Drug Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Miscellaneous Crimes Against Society', 'Miscellaneous Crimes Against Society', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'MISCELLANEOUS CRIMES AGAINST SOCIETY', 'Miscellaneous Crimes Against Society', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Possession of Weapons', 'Possession of Weapons', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'POSSESSION OF WEAPONS', 'Possession of Weapons', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Public Order Offences', 'Public Order Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'PUBLIC ORDER OFFENCES', 'Public Order Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Robbery', 'Robbery', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'ROBBERY', 'Robbery', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Sexual Offences', 'Sexual Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'SEXUAL OFFENCES', 'Sexual Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Theft', 'Theft', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'THEFT', 'Theft', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Vehicle Offences', 'Vehicle Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'VEHICLE OFFENCES', 'Vehicle Offences', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Violence Against the Person', 'Violence Against the Person', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'VIOLENCE AGAINST THE PERSON', 'Violence Against the Person', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'Historical Fraud and Forgery', 'Fraud and Forgery', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'FRAUD AND FORGERY', 'Fraud and Forgery', 'comparable', cast(null as varchar), cast(null as varchar)),
        ('offence_group', 'NFIB FRAUD', 'NFIB Fraud', 'not comparable: fraud reported to the national bureau, in the ward files only', cast(null as varchar), cast(null as varchar)),
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
        ('borough', 'Richmond upon Thames', 'Richmond upon Thames', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Southwark', 'Southwark', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Sutton', 'Sutton', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Tower Hamlets', 'Tower Hamlets', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Waltham Forest', 'Waltham Forest', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Wandsworth', 'Wandsworth', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Westminster', 'Westminster', 'borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'London Heathrow and London City Airports', 'Heathrow and London City airports', 'not a borough', cast(null as varchar), cast(null as varchar)),
        ('borough', 'Aviation Security (SO18)', 'Heathrow and London City airports', 'not a borough', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
