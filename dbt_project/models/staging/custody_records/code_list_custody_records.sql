-- noqa: disable=all
-- Generated from edp_platform/defs/datasets/custody_records/contract.yaml. Do not edit: change the contract and run `edp generate`.
-- Each value a column is known to take, its harmonised label and its months.
with

final as (
    select *
    from (
        values
        ('ethnicity_officer_defined', 'IC1', 'White, northern European', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC2', 'White, southern European', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC3', 'Black', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC4', 'Asian', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC5', 'Chinese, Japanese or other south-east Asian', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC6', 'Arab or north African', 'Other', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_officer_defined', 'IC9', 'Not known', 'Not stated', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'W1', 'White - English, Welsh, Scottish, Northern Irish or British', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'W2', 'White - Irish', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'W3', 'White - Gypsy or Irish Traveller', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'W4', 'White - Roma', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'W9', 'White - Any other White background', 'White', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'M1', 'Mixed - White and Black Caribbean', 'Mixed', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'M2', 'Mixed - White and Black African', 'Mixed', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'M3', 'Mixed - White and Asian', 'Mixed', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'M9', 'Mixed - Any other Mixed or multiple background', 'Mixed', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'A1', 'Asian - Indian', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'A2', 'Asian - Pakistani', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'A3', 'Asian - Bangladeshi', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'A4', 'Asian - Chinese', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'A9', 'Asian - Any other Asian background', 'Asian', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'B1', 'Black - Caribbean', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'B2', 'Black - African', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'B9', 'Black - Any other Black background', 'Black', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'O2', 'Other - Arab', 'Other', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'O9', 'Other - Any other ethnic group', 'Other', cast(null as varchar), cast(null as varchar)),
        ('ethnicity_self_defined', 'NS', 'Not stated', 'Not stated', cast(null as varchar), cast(null as varchar))
    ) as code_list (column_name, value, label, grouping, valid_from, valid_to)
)

select * from final
