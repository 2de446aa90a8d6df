"""What a person may ask: access, correction, restriction (DPA 2018 ss.44-48, Arts.15-21).

Belongs here: requests and their deadlines, exemptions, corrections and restrictions.
Does not belong here: the stores themselves, which `retention.copies` registers, and
disposal on time, which `retention` does.
"""
