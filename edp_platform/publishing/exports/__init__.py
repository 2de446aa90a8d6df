"""What the force hands over about its data, made from contracts, DPIAs and registers.

Belongs here: the record of processing (UK GDPR Art. 30 and DPA 2018 s.61, apart), the
catalogue (DCAT, UK Cross-Government Metadata Exchange Model) and the records of the
Algorithmic Transparency Recording Standard; each is checked against a schema of
`schemas/` before a file is written. Does not belong here: any fact of its own. What
nobody recorded is said to be missing, never filled in.

The same records and the same day give the same bytes.
"""
