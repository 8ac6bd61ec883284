"""The demo's customer organizations, on four levels, and its projects."""

from typing import NamedTuple

TREE = """
Halden Shipping | halden-shipping.example | Ferries and short-sea freight around the North Sea.
  Halden Ferries | ferries.halden-shipping.example | Passenger lines.
    Oslo Terminal
      Oslo Night Crew
      Oslo Workshop
    Kiel Terminal
  Halden Freight | freight.halden-shipping.example | Containers and bulk.
    Rotterdam Yard
      Rotterdam Crane Team
    Gdańsk Yard
Quinta do Vale Wines | quintadovale.example | Vineyards of the Douro and the Alentejo.
  Douro Estates | douro.quintadovale.example
    Pinhão Cellar
      Pinhão Laboratory
    Régua Vineyards
  Alentejo Estates | alentejo.quintadovale.example
    Évora Press House
Asante Grid | asantegrid.example | Solar mini-grids in West Africa.
  Asante Grid Ghana | gh.asantegrid.example
    Kumasi Operations
      Kumasi Field Team North
      Kumasi Field Team South
    Tamale Operations
  Asante Grid Nigeria | ng.asantegrid.example
    Ibadan Operations
    Enugu Operations
Mizuho River Authority | mizuho-river.example | Gauges and warnings along four rivers.
  Upper Basin Office | upper.mizuho-river.example
    Nagano Stations
      Nagano Maintenance
    Matsumoto Stations
  Lower Basin Office | lower.mizuho-river.example
    Niigata Control Room
Tierra Alta Coffee | tierraalta.example | A cooperative of growers in three valleys.
  Growers of the Cauca | cauca.tierraalta.example
    Popayán Drying Station
  Growers of the Huila | huila.tierraalta.example
    Pitalito Drying Station
      Pitalito Quality Room
Sahyadri Railways | sahyadri-rail.example | Mountain lines in the monsoon.
  Ghat Division | ghat.sahyadri-rail.example
    Track Safety
      Landslide Watch
    Rolling Stock
  Coastal Division | coastal.sahyadri-rail.example
    Bridge Inspection
Prairie Schools Board | prairieschools.example | Forty schools and their yellow buses.
  School Transport | transport.prairieschools.example
  School Gardens | gardens.prairieschools.example
Wexford Light Observatory | observatory.example.org | Two telescopes and a great deal of rain.
Ada Yıldız Sailing School | adayildiz.example | Dinghies, in season.
Hoang Lan Orchids | hoanglan.example | Glasshouses near Đà Lạt.
Nordlys Ski Lifts | nordlys-lifts.example
Karoo Stargazers | karoo.example.net
Sunday Market Society | sundaymarket.example.net
"""
"""One organization a line, indented below its parent: name, website, description."""


class Company(NamedTuple):
    """A customer organization of the demo; `domain` is its own or that of the nearest organization above."""

    name: str
    parent: int | None
    level: int
    domain: str
    website: str | None
    description: str | None
    external_id: str


class Plan(NamedTuple):
    """A project of the demo, and which organizations it is shared with."""

    name: str
    description: str
    external_id: str
    organizations: tuple[str, ...]
    customers: int


PROJECTS = (
    Plan("Weather Station Pro", "The station with the heated rain gauge.", "WS-PRO", ("Halden Shipping",), 14),
    Plan("Weather Station Mini", "The small one, for gardens and schools.", "WS-MINI", ("Prairie Schools Board",), 25),
    Plan("River Gauge", "Levels by radar, warnings by text message.", "GAUGE", ("Mizuho River Authority",), 4),
    Plan(
        "Frost Alarm",
        "Wakes growers before the frost does.",
        "FROST",
        ("Douro Estates", "Tierra Alta Coffee", "Hoang Lan Orchids"),
        9,
    ),
    Plan("Solar Forecast", "Tomorrow's yield of a mini-grid.", "SOLAR", ("Asante Grid", "Karoo Stargazers"), 6),
    Plan("Landslide Watch", "Rain and tilt along the line.", "SLIDE", ("Ghat Division", "Upper Basin Office"), 3),
    Plan("Beta Programme", "Firmware before everybody else has it.", "BETA", (), 30),
    Plan("Wind Tunnel", "Not announced yet, and shared with nobody.", "TUNNEL", (), 0),
)


def companies() -> list[Company]:
    """The tree as a list, parents before what is below them."""
    found: list[Company] = []
    above: list[int] = []
    for line in TREE.strip().splitlines():
        level = (len(line) - len(line.lstrip())) // 2
        name, website, description = (*(part.strip() for part in line.split("|")), None, None)[:3]
        parent = above[level - 1] if level else None
        domain = website or (found[parent].domain if parent is not None else "example.com")
        above[level:] = [len(found)]
        shown = f"https://{website}" if website else None
        found.append(Company(name or "", parent, level + 1, domain, shown, description, f"ORG-{len(found) + 1:03}"))
    return found
