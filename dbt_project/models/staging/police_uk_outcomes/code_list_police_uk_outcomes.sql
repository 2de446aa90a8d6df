-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/police_uk_outcomes/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('outcome_type', 'Suspect charged', 'Suspect charged', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Suspect charged as part of another case', 'Suspect charged as part of another case', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Awaiting court outcome', 'Awaiting court outcome', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Court result unavailable', 'Court result unavailable', 'charged/summonsed', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Defendant sent to Crown Court', 'Defendant sent to Crown Court', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Defendant found not guilty', 'Defendant found not guilty', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Court case unable to proceed', 'Court case unable to proceed', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender sent to prison', 'Offender sent to prison', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender given suspended prison sentence', 'Offender given a suspended prison sentence', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender given community sentence', 'Offender given a community sentence', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender given conditional discharge', 'Offender given a conditional discharge', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender given absolute discharge', 'Offender given an absolute discharge', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender fined', 'Offender fined', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender deprived of property', 'Offender deprived of property', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender ordered to pay compensation', 'Offender ordered to pay compensation', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender otherwise dealt with', 'Offender otherwise dealt with', 'court result', cast(null as varchar), '2019-05'),
        ('outcome_type', 'Offender given a caution', 'Offender given a caution', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Offender given a drugs possession warning', 'Offender given a drugs possession warning', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Offender given penalty notice', 'Offender given a penalty notice', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Local resolution', 'Local resolution', 'out-of-court', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Unable to prosecute suspect', 'Unable to prosecute suspect', 'evidential difficulties', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Investigation complete; no suspect identified', 'Investigation complete; no suspect identified', 'no suspect identified', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Formal action is not in the public interest', 'Formal action is not in the public interest', 'not in public interest', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Further investigation is not in the public interest', 'Further investigation is not in the public interest', 'not in public interest', '2016-01', cast(null as varchar)),
        ('outcome_type', 'Further action is not in the public interest', 'Further action is not in the public interest', 'not in public interest', '2019-04', cast(null as varchar)),
        ('outcome_type', 'Action to be taken by another organisation', 'Action to be taken by another organisation', 'other agency', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Under investigation', 'Under investigation', 'under investigation', cast(null as varchar), cast(null as varchar)),
        ('outcome_type', 'Status update unavailable', 'Status update unavailable', 'unknown', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
