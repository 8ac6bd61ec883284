"""What the demo's customers write to the help desk."""

from random import Random
from typing import NamedTuple

SUBJECTS = {
    "WS-PRO": (
        "Rain gauge reads {n} mm on a dry day",
        "Heater stays on above {n} degrees",
        "Anemometer squeaks at {n} knots",
        "Second station does not appear in the app",
    ),
    "WS-MINI": (
        "Batteries last {n} days instead of a year",
        "A pupil dropped station {n}: spare mast?",
        "How do we change the display to Fahrenheit?",
        "Class login shows the wrong school",
    ),
    "GAUGE": (
        "Gauge {n} jumps by half a metre at night",
        "Warning came {n} minutes late",
        "Please add two numbers to the warning list",
        "Radar shows ice as a flood",
    ),
    "FROST": (
        "Alarm at {n} degrees, no frost anywhere",
        "No alarm last night, {n} rows lost",
        "Can the alarm call two phones at once?",
        "Sensor {n} fell into the press",
    ),
    "SOLAR": (
        "Forecast is {n} % too high since the dust",
        "Battery advice ignores our generator",
        "Report for May comes empty",
        "Site {n} has moved, map has not",
    ),
    "SLIDE": (
        "Tilt meter {n} lost its calibration",
        "Train was held for {n} minutes by a false alarm",
        "Export of rain per kilometre",
        "Who gets the red message at night?",
    ),
    "BETA": (
        "Build {n} restarts every hour",
        "New dashboard: please keep the old colours",
        "Could we leave the programme?",
    ),
    "": (
        "Invoice {n} was paid twice",
        "Where is our parcel of {n} sensors?",
        "Change of our billing address",
        "Thank you, and one question",
        "Training for {n} colleagues",
    ),
}
"""Subjects, by the external id of their project; without one, by ''."""

DETAILS = (
    "It began on Monday, after the update.",
    "We have restarted it twice and it did not help.",
    "There is no hurry, but it puzzles all of us.",
    "A photograph is on its way by post.",
    "Our previous station never did this.",
    "Please call before you come, the gate is locked.",
)


class Request(NamedTuple):
    """One request, without its requester."""

    project: str
    subject: str
    description: str
    status: str
    priority: str


def request(random: Random) -> Request:
    """A request made up from the templates; most old ones are closed by whoever makes them."""
    project = random.choice(tuple(SUBJECTS))
    subject = random.choice(SUBJECTS[project]).format(n=random.randint(2, 60))
    details = " ".join(random.sample(DETAILS, 2))
    status = random.choices(("OPEN", "PENDING", "CLOSED"), (30, 15, 55))[0]
    priority = random.choices(("LOW", "NORMAL", "HIGH", "URGENT"), (20, 55, 20, 5))[0]
    return Request(project, subject, details, status, priority)
