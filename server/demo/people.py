"""The demo's people: names from several places in the world, addresses at domains that are reserved."""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from db.text import fold

PLACES = (
    ("Ingrid Øystein Solveig Håkon Sigrid Torbjørn Marit Eirik", "Nygård Bakken Sæther Lunde Østby Haugen Myhre"),
    ("Inês João Catarina Tiago Beatriz Gonçalo Matilde Rui", "Ferreira Conceição Magalhães Nogueira Araújo Pinheiro"),
    ("Kwame Ama Kofi Abena Yaw Efua Kojo Adwoa", "Boateng Owusu Agyeman Ofori Ansah Amoako Quaye"),
    ("Chidinma Tunde Ngozi Emeka Folasade Ifeoma Babatunde Zainab", "Okonkwo Adeyemi Eze Balogun Nwosu Ibrahim Afolabi"),
    ("Haruka Kenji Yumi Takashi Aiko Daichi 花子=Hanako 健太=Kenta", "Tanaka Fujimoto Sakamoto Ogawa 山本=Yamamoto 森=Mori"),
    ("Valentina Andrés Camila Julián Lucía Mateo Ximena Simón", "Restrepo Muñoz Cárdenas Ibáñez Zuluaga Peña Ospina"),
    ("Ananya Rohan Priya Vikram Meera Arjun Kavya Sandeep", "Deshpande Iyer Kulkarni Reddy Chatterjee Nair Gill"),
    ("Agnieszka Łukasz Zofia Paweł Małgorzata Stanisław Hanna", "Wójcik Kowalczyk Zając Dąbek Mazur Pietrzak"),
    ("Zeynep Emre Ayşe Barış Elif Çağlar Işıl Deniz", "Yıldırım Öztürk Şahin Kılıç Aydın Güneş Demir"),
    ("Linh Minh Thảo Quang Hương Đức Mai Tuấn", "Nguyễn Trần Phạm Đặng Võ Bùi Lê"),
    ("Aoife Cormac Niamh Declan Saoirse Eoin Róisín Fintan", "Gallagher Kavanagh Doyle Brennan Hennessy O'Shea"),
    ("Layla Omar Noor Yusuf Salma Karim Huda Tariq", "Haddad Mansour Khoury Nasser Sabbagh Farah"),
    ("Thandiwe Sipho Naledi Pieter Lerato Johan Nomsa Kagiso", "Dlamini Mokoena Botha Khumalo Naidoo Ndlovu"),
    ("Олена=Olena Тарас=Taras Ірина=Iryna Danylo Kateryna Bohdan", "Шевчук=Shevchuk Kovalenko Bondarenko Marchenko"),
    ("Eleni Nikos Κατερίνα=Katerina Dimitris Sofia Stavros", "Papadaki Ioannou Vasileiou Karras Γεωργίου=Georgiou"),
    ("Grace Malik Hannah Deshawn Abigail Wyatt Naomi Tyrell", "Whitfield Okafor-Reed Castellano Begay Larsen Beaumont"),
)  # fmt: skip
"""Given names and family names that go together; `written=spelled` where an address cannot follow the writing."""

TITLES = (
    "Station keeper",
    "Shift supervisor",
    "Head of operations",
    "Field technician",
    "Hydrologist",
    "Agronomist",
    "Purchasing",
    "Duty engineer",
    "Safety officer",
    "Data analyst",
    "Teacher",
    "Volunteer",
)

PRIVATE_DOMAINS = ("post.example.com", "inbox.example.net", "mail.example.org")
_SPELLED = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "ß": "ss", "ð": "d", "þ": "th"})


class Person(NamedTuple):
    """Somebody made up."""

    first_name: str
    last_name: str
    local_part: str
    """What comes before the @ in their address."""


def people(random: Random) -> Iterator[Person]:
    """People without end, each with a local part of its own."""
    taken: set[str] = set()
    while True:
        given, family = random.choice(PLACES)
        first, first_spelled = _name(random, given.split())
        last, last_spelled = _name(random, family.split())
        wanted = f"{first_spelled}.{last_spelled}"
        local = next(text for text in (wanted, *(f"{wanted}{n}" for n in range(2, 100))) if text not in taken)
        taken.add(local)
        yield Person(first, last, local)


def _name(random: Random, names: Sequence[str]) -> tuple[str, str]:
    written, _, spelled = random.choice(names).partition("=")
    plain = fold(spelled or written).translate(_SPELLED)
    return written, re.sub(r"[^a-z]", "", plain)


def phone(random: Random) -> str:
    """A number of a range that regulators keep free for fiction."""
    return random.choice(
        (
            f"+1 202 555 {random.randint(100, 199):04}",
            f"+44 20 7946 {random.randint(0, 999):04}",
            f"+61 2 5550 {random.randint(0, 9999):04}",
        )
    )
