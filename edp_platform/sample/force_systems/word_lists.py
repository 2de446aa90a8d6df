"""Names and streets, from which persons and addresses are put together at random."""

from __future__ import annotations

#: The five groups of self-defined ethnicity, and the share of each among persons.
GROUPS = ["White", "Black", "Asian", "Mixed", "Other"]
GROUP_SHARES = [0.54, 0.14, 0.21, 0.06, 0.05]

#: By group: self-defined code and its share in the group.
SELF_DEFINED = [
    [("W1", 0.72), ("W2", 0.04), ("W3", 0.01), ("W4", 0.01), ("W9", 0.22)],
    [("B1", 0.30), ("B2", 0.50), ("B9", 0.20)],
    [("A1", 0.26), ("A2", 0.22), ("A3", 0.22), ("A4", 0.08), ("A9", 0.22)],
    [("M1", 0.32), ("M2", 0.14), ("M3", 0.22), ("M9", 0.32)],
    [("O2", 0.35), ("O9", 0.65)],
]
#: By group: what an officer sees, IC code. Differences are planted: they are what the
#: mart of stop and search records counts.
OFFICER_DEFINED = [
    [("IC1", 0.86), ("IC2", 0.08), ("IC4", 0.01), ("IC6", 0.02), ("IC9", 0.03)],
    [("IC3", 0.94), ("IC6", 0.01), ("IC1", 0.01), ("IC9", 0.04)],
    [("IC4", 0.82), ("IC5", 0.09), ("IC6", 0.04), ("IC3", 0.01), ("IC9", 0.04)],
    [("IC3", 0.52), ("IC1", 0.22), ("IC4", 0.10), ("IC2", 0.08), ("IC9", 0.08)],
    [("IC6", 0.55), ("IC4", 0.16), ("IC2", 0.14), ("IC1", 0.07), ("IC9", 0.08)],
]

_FIRST_MALE = [
    "Adam Alan Andrew Anthony Ben Brian Callum Charles Christopher Colin Connor "
    "Daniel David Declan Edward Frank Gareth George Graham Harry Jack James Jamie "
    "Jonathan Joseph Kevin Liam Luke Mark Matthew Michael Nicholas Oliver Patrick "
    "Paul Peter Robert Ryan Samuel Stephen Thomas William",
    "Abel Ade Ayo Chidi Dwayne Emeka Femi Jerome Jermaine Kofi Kwame Leroy Malachi "
    "Marlon Nathaniel Obinna Olu Reuben Segun Tyrone Winston Yaw",
    "Abdul Ahmed Ali Amir Anand Arjun Bilal Dev Faisal Hamza Imran Jun Karim Kiran "
    "Mohammed Naveed Omar Rahul Rajesh Sajid Sanjay Tariq Vikram Wei Yusuf Zain",
    "Aaron Ashley Caleb Dominic Elijah Ethan Isaac Jaden Jordan Joshua Kai Leon "
    "Marcus Noah Theo Tyler Xavier Zach",
    "Ahmad Arman Bashir Carlos Diego Farhad Hassan Hussein Ibrahim Javier Khalid "
    "Luis Mahmoud Nabil Rafael Reza Sami Tomas",
]
_FIRST_FEMALE = [
    "Abigail Alice Amanda Amy Anna Anne Barbara Beth Bridget Carol Caroline Catherine "
    "Charlotte Claire Diane Elizabeth Emily Emma Fiona Gemma Hannah Helen Jane "
    "Jennifer Joanne Julie Karen Katie Laura Louise Lucy Margaret Mary Megan Nicola "
    "Rachel Rebecca Ruth Sarah Sophie Susan Victoria",
    "Abena Adaeze Ama Bisi Chioma Denise Efua Esther Folake Grace Imani Jasmine Keisha "
    "Lorraine Marcia Ngozi Patience Simone Tamika Yetunde",
    "Aisha Amina Anjali Asma Bushra Deepa Fatima Hina Kavita Khadija Lakshmi Ling Mei "
    "Nasreen Neha Parveen Priya Rukhsana Saima Shabnam Sunita Yasmin Zara",
    "Alicia Bianca Chantelle Ella Gabrielle Imogen Jade Kiera Leah Maya Naomi Nia "
    "Paige Rhea Sasha Tia Zoe",
    "Ana Camila Dina Elif Farah Jamila Layla Leila Maria Mariam Nadia Noor Paula Rania "
    "Samira Sofia Tala Yara",
]
_SURNAMES = [
    "Ainsworth Alderton Barker Barrow Birch Bolton Bradshaw Bridges Briggs Carver "
    "Chapman Clarke Cooper Cross Dalton Davies Dawson Drake Eastwood Ellis Evans "
    "Fairweather Farmer Fletcher Foster Gardner Gibbons Goodwin Green Hall Hammond "
    "Hargreaves Harris Hewitt Hollis Hughes Hunter Jackson Jenkins Jones Kirby Lamb "
    "Lawson Lowe Marsh Mason Mercer Moore Morgan Murphy Naylor Newton O'Brien O'Connor "
    "Palmer Parker Pearce Perkins Potter Pritchard Ramsey Reid Roberts Robinson Rowe "
    "Shaw Shepherd Slater Smith Stone Sutton Taylor Thorne Turner Walker Ward Watson "
    "Webster Whitfield Williams Wilson Wood Wright Yates",
    "Abiola Acheampong Adeyemi Afolabi Agyeman Akande Asante Balogun Bailey Boateng "
    "Campbell Chukwu Danso Diallo Eze Francis Gordon Grant Hinds Ibekwe Johnson Mensah "
    "Nwosu Obi Ofori Okafor Okeke Osei Owusu Oyelaran Samuels Sesay Thompson Yeboah",
    "Ahmed Akhtar Ali Bashir Begum Bhatt Chan Chaudhry Chen Das Desai Gill Hossain "
    "Hussain Iqbal Islam Joshi Kapoor Kaur Khan Kumar Lee Mahmood Malik Mehta Miah "
    "Mistry Patel Rahman Rana Shah Sharma Siddiqui Singh Tang Uddin Wong Zaman",
    "Anderson Bennett Charles Coleman Dixon Edwards Fraser Graham Henry Joseph "
    "Lewis Martin Mitchell Morris Nelson Phillips Richards Rose Scott Simpson Stewart "
    "Wallace West",
    "Al-Amin Ahmadi Alves Aziz Castro Costa Demir El-Sayed Farouk Fernandes Garcia "
    "Habib Haddad Karimi Lopez Mansour Martinez Mohamed Mustafa Nasser Ortiz Rashidi "
    "Salah Silva Torres Yilmaz",
]
#: First names by group, then sex (male, female).
FIRST_NAMES = [
    [male.split(), female.split()]
    for male, female in zip(_FIRST_MALE, _FIRST_FEMALE, strict=True)
]
SURNAMES = [names.split() for names in _SURNAMES]

#: What people are called instead: the same person under a short form.
SHORT_FORMS = {
    "Andrew": "Andy",
    "Anthony": "Tony",
    "Charles": "Charlie",
    "Christopher": "Chris",
    "Daniel": "Danny",
    "David": "Dave",
    "Edward": "Ted",
    "James": "Jim",
    "Jonathan": "Jon",
    "Joseph": "Joe",
    "Matthew": "Matt",
    "Michael": "Mick",
    "Mohammed": "Mo",
    "Nicholas": "Nick",
    "Patrick": "Paddy",
    "Robert": "Bob",
    "Samuel": "Sam",
    "Stephen": "Steve",
    "Thomas": "Tom",
    "William": "Bill",
    "Abigail": "Abi",
    "Amanda": "Mandy",
    "Catherine": "Cathy",
    "Elizabeth": "Liz",
    "Jennifer": "Jenny",
    "Katie": "Kate",
    "Margaret": "Maggie",
    "Rebecca": "Becky",
    "Susan": "Sue",
    "Victoria": "Vicky",
    "Joshua": "Josh",
    "Nathaniel": "Nate",
    "Gabrielle": "Gabby",
    "Fatima": "Fati",
}
#: Spellings of one sound, tried in this order on a surname.
SOUND_ALIKES = [
    ("ph", "f"),
    ("ck", "k"),
    ("ai", "ay"),
    ("ie", "y"),
    ("ee", "ea"),
    ("oo", "u"),
    ("ss", "s"),
    ("ll", "l"),
    ("tt", "t"),
    ("son", "sen"),
    ("er", "ar"),
    ("i", "y"),
]
