-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/police_uk_street/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('crime_type', 'Anti-social behaviour', 'Anti-social behaviour', 'anti-social behaviour', cast(null as varchar), cast(null as varchar)),
        ('crime_type', 'Bicycle theft', 'Bicycle theft', 'other theft', '2013-05', cast(null as varchar)),
        ('crime_type', 'Burglary', 'Burglary', 'neighbourhood crime', cast(null as varchar), cast(null as varchar)),
        ('crime_type', 'Criminal damage and arson', 'Criminal damage and arson', 'damage, drugs, weapons and public order', '2011-09', cast(null as varchar)),
        ('crime_type', 'Drugs', 'Drugs', 'damage, drugs, weapons and public order', '2011-09', cast(null as varchar)),
        ('crime_type', 'Other crime', 'Other crime', 'other crime', cast(null as varchar), cast(null as varchar)),
        ('crime_type', 'Other theft', 'Other theft', 'other theft', '2011-09', cast(null as varchar)),
        ('crime_type', 'Possession of weapons', 'Possession of weapons', 'damage, drugs, weapons and public order', '2013-05', cast(null as varchar)),
        ('crime_type', 'Public disorder and weapons', 'Public disorder and weapons', 'damage, drugs, weapons and public order', '2011-09', '2013-04'),
        ('crime_type', 'Public order', 'Public order', 'damage, drugs, weapons and public order', '2013-05', cast(null as varchar)),
        ('crime_type', 'Robbery', 'Robbery', 'neighbourhood crime', cast(null as varchar), cast(null as varchar)),
        ('crime_type', 'Shoplifting', 'Shoplifting', 'other theft', '2011-09', cast(null as varchar)),
        ('crime_type', 'Theft from the person', 'Theft from the person', 'neighbourhood crime', '2013-05', cast(null as varchar)),
        ('crime_type', 'Vehicle crime', 'Vehicle crime', 'neighbourhood crime', cast(null as varchar), cast(null as varchar)),
        ('crime_type', 'Violence and sexual offences', 'Violence and sexual offences', 'violence', '2013-05', cast(null as varchar)),
        ('crime_type', 'Violent crime', 'Violent crime', 'violence', cast(null as varchar), '2013-04'),
        ('last_outcome_category', 'Suspect charged as part of another case', 'Suspect charged as part of another case', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Awaiting court outcome', 'Awaiting court outcome', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Court result unavailable', 'Court result unavailable', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Defendant sent to Crown Court', 'Defendant sent to Crown Court', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Defendant found not guilty', 'Defendant found not guilty', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Court case unable to proceed', 'Court case unable to proceed', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender sent to prison', 'Offender sent to prison', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender given suspended prison sentence', 'Offender given a suspended prison sentence', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender given community sentence', 'Offender given a community sentence', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender given conditional discharge', 'Offender given a conditional discharge', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender given absolute discharge', 'Offender given an absolute discharge', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender fined', 'Offender fined', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender deprived of property', 'Offender deprived of property', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender ordered to pay compensation', 'Offender ordered to pay compensation', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender otherwise dealt with', 'Offender otherwise dealt with', 'court result', cast(null as varchar), '2019-05'),
        ('last_outcome_category', 'Offender given a caution', 'Offender given a caution', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Offender given a drugs possession warning', 'Offender given a drugs possession warning', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Offender given penalty notice', 'Offender given a penalty notice', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Local resolution', 'Local resolution', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Unable to prosecute suspect', 'Unable to prosecute suspect', 'evidential difficulties', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Investigation complete; no suspect identified', 'Investigation complete; no suspect identified', 'no suspect identified', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Formal action is not in the public interest', 'Formal action is not in the public interest', 'not in public interest', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Further investigation is not in the public interest', 'Further investigation is not in the public interest', 'not in public interest', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Further action is not in the public interest', 'Further action is not in the public interest', 'not in public interest', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Action to be taken by another organisation', 'Action to be taken by another organisation', 'other agency', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Under investigation', 'Under investigation', 'under investigation', cast(null as varchar), cast(null as varchar)),
        ('last_outcome_category', 'Status update unavailable', 'Status update unavailable', 'unknown', cast(null as varchar), cast(null as varchar)),
        ('__partial_supply__', 'dyfed-powys', 'Rows fall from 1,187 to 300 to 164: incomplete supply, not a fall in crime.', cast(null as varchar), '2024-02', '2024-03')
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
