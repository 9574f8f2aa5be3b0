"""What the demo's past tells: who bought what, what became of it, what was said."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

DAYS = 30
"""How far the past goes back."""

FIRST_NAMES = (
    "Aarti", "Mohammed", "Sneha", "Rajesh", "Pooja", "Imran", "Divya", "Suresh", "Nasreen", "Karthik", "Ritu", "Amit",
    "Lakshmi", "Gurmeet", "Shalini", "Vivek", "Zoya", "Prakash", "Anita", "Rohit", "Geeta", "Sameer", "Kiran", "Deepa",
)  # fmt: skip
LAST_NAMES = (
    "Sharma", "Khan", "Nair", "Patil", "Das", "Reddy", "Singh", "Iyer", "Gupta", "Shaikh", "Yadav", "Bose", "Joshi",
)  # fmt: skip
GOODS = (
    ("Cotton kurta, indigo / M", 1299), ("Cotton kurta, indigo / L", 1299), ("Silk cotton saree, mustard", 2450),
    ("Steel water bottle 1 l", 549), ("Lunch box, three tiers", 798), ("Bluetooth speaker", 1650),
    ("LED strip, 5 m", 449), ("Juttis, tan / 38", 899), ("Running shoes / 42", 1899), ("Phone stand, wood", 379),
    ("Socks, five pairs", 299),
)  # fmt: skip
PLACES = (
    ("Flat 12, Shanti Niwas", "Gomti Nagar", "Lucknow", "Uttar Pradesh", "226010"),
    ("14, Lakshmi Road", "Sadashiv Peth", "Pune", "Maharashtra", "411030"),
    ("Plot 88, Shastri Nagar", "", "Jaipur", "Rajasthan", "302016"),
    ("near the big temple, blue house", "", "Varanasi", "Uttar Pradesh", "221001"),
    ("22B, Lake View Road", "Dhakuria", "Kolkata", "West Bengal", "700029"),
    ("3rd Cross, New No 27", "Besant Nagar", "Chennai", "Tamil Nadu", "600090"),
    ("Ward 5", "Mohalla Naya Tola", "Muzaffarpur", "Bihar", "842001"),
    ("Villa 9, Palm Meadows", "Whitefield", "Bengaluru", "Karnataka", "560066"),
    ("House 31, Lane 4", "Rajbagh", "Srinagar", "Jammu and Kashmir", "190008"),
    ("A/3 Shanti Apartment", "Ellisbridge", "Ahmedabad", "Gujarat", "380006"),
    ("Model Town", "", "Ludhiana", "Punjab", "141002"),
    ("Station Road", "", "Patna", "Bihar", ""),
    ("1204, Sea Breeze, 33rd Road", "Bandra West", "Mumbai", "Maharashtra", "400050"),
)
YES = {
    "en": ("yes please send", "ok send it", "yes 👍"),
    "hi-Latn": ("haan ji bhej do", "ha bhai bhejo", "ok bhej do"),
    "hi": ("हाँ, भेज दीजिए", "जी हाँ"),
}
"""A yes in each language, as it is typed."""
NO = {"price": "online sasta mil raha hai, cancel kar do", "mistake": "galti se order ho gaya, cancel please",
      "elsewhere": "market se le liya, order cancel kar do", "later": "abhi nahi chahiye, cancel karo",
      "size": "cancel karo, mujhe L chahiye tha"}  # fmt: skip
SURE = {"confirm": 0.96, "cancel": 0.95, "not_my_order": 0.95}
"""How sure the bot is of such plain words."""
PRAISE = ("Bahut accha hai, fitting perfect", "Good quality, thank you", "बहुत अच्छा कपड़ा", "Nice, as in the photo",
           "Value for money", "")  # fmt: skip
BLAME = {
    "quality": "Colour faded after one wash", "late": "Came four days late, but the item is fine",
    "packing": "The box was torn, the bottle had a dent", "wrong_item": "I ordered L, an M came",
    "size": "Chhota hai, ek size bada hona chahiye tha",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One message of a talk: who wrote it and, for a shopper's free words, what the bot read in them."""

    author: str
    """shopper or bot."""
    words: str
    read: str = ""
    """The act; empty for a tap, and where nothing was understood."""
    sure: float = 1.0
    """Of the act, 0 to 1."""


@dataclass
class Tale:
    """One order's life, before it becomes rows."""

    age: timedelta
    """Since it came in."""
    intent: str = "confirmed"
    status: str = "delivered"
    more: dict[str, Any] = field(default_factory=dict)
    """Further columns of the order."""
    place: int | None = None
    goods: int | None = None
    name: str = ""
    said: tuple[Said, ...] | None = None
    """What was said after the question; None makes it up from the intent."""
    new_place: int | None = None
    """The address that the shopper gave instead."""
    stars: int | None = None
    opinion: str | None = None
    """The words of the review; None makes them up from the stars."""
    task: str = ""
    """Why a person is needed; the conversation then waits in the queue."""
    locale: str = "en"
    live: str = ""
    """What the shopper's phone writes once everything runs."""
    photo: str = ""
    """A file of `photos` that the phone sends once everything runs."""

    @property
    def is_unhappy(self) -> bool:
        """Whether the stars are so few that a person is called."""
        return self.stars is not None and self.stars <= 2


def weeks(draw: random.Random) -> Iterator[Tale]:
    """The orders that have ended."""
    for day in range(3, DAYS + 1):
        # A shop sells more at the end of a week.
        for _ in range(draw.choice((4, 5, 6, 6, 7, 8))):
            age = timedelta(days=day, hours=draw.uniform(-8, 4))
            fate = draw.random()
            if fate < 0.14:
                back = draw.random() < 0.30
                yield Tale(age, "held_out", "returned" if back else "delivered", {"held_out": True})
            elif fate < 0.66:
                back = draw.random() < 0.10
                stars = None if back or draw.random() < 0.5 else draw.choice((5, 5, 5, 5, 4, 4, 4, 3, 2, 1))
                new = draw.randrange(len(PLACES)) if draw.random() < 0.14 else None
                locale = draw.choice(("en", "hi-Latn", "hi-Latn", "hi"))
                yield Tale(
                    age, "confirmed", "returned" if back else "delivered", stars=stars, new_place=new, locale=locale
                )
            elif fate < 0.88:
                yield Tale(age, "silent", "returned" if draw.random() < 0.27 else "delivered")
            elif fate < 0.985:
                reason = draw.choice(("price", "price", "mistake", "elsewhere", "later", "size"))
                yield Tale(age, "cancelled", "cancelled", {"cancel_reason": reason})
            else:
                yield Tale(age, "denied", "cancelled")


def today() -> Iterator[Tale]:
    """One order in every state that is not an end, and the two conversations that wait for a person."""
    hours = lambda number: timedelta(hours=number)  # noqa: E731
    yield Tale(
        hours(5),
        "asked",
        "open",
        {"cutoff": hours(1.5)},
        place=1,
        goods=2,
        name="Farhan Ali",
        task="wants_person",
        locale="hi-Latn",
        said=(
            Said("shopper", "bhai 2450 kyu likha hai? website pe to 1999 tha", "out_of_scope"),
            Said("bot", "common.missed_1"),
            Said("shopper", "kisi insaan se baat karao", "talk_to_human"),
            Said("bot", "people.person.text"),
        ),
        live="hello? koi hai? 1999 mein doge to bhej do, warna cancel",
    )
    yield Tale(
        hours(7), "asked", "open", {"cutoff": hours(20)}, place=6, goods=8, name="Kamala Devi", task="address_unclear",
        locale="hi-Latn",
        said=(
            Said("shopper", "Pata badlo"),
            Said("bot", "address.full.text"),
            Said("shopper", "gaon mein number nahi hota. bade bargad ke ped ke paas, master ji ka ghar",
                 "address_fragment", 0.95),
            Said("bot", "address.house.again"),
            Said("shopper", "bus stand se left, phir seedha. courier wala jaanta hai", "address_fragment", 0.95),
            Said("bot", "people.address.text"),
        ),
        live="mere bete ka number likh lo 90000 20499, woh raasta bata dega",
    )  # fmt: skip
    yield Tale(hours(30), "silent", "open", place=11, goods=10)
    yield Tale(hours(26), "unreachable", "open", {"cutoff": hours(3)}, place=3, goods=5)
    yield Tale(hours(28), "denied", "open", place=4, goods=0)
    yield Tale(hours(9), "cancelled", "open", {"cancel_reason": "price"}, place=7, goods=8, locale="hi-Latn")
    yield Tale(hours(20), "confirmed", "open", {"wait": 4, "slot": "evening"}, place=6, new_place=0, goods=1)
    yield Tale(hours(46), "confirmed", "shipped", place=10, new_place=12, goods=2, locale="hi-Latn")
    yield Tale(hours(44), "confirmed", "shipped", place=5, goods=0)
    yield Tale(
        hours(52), "confirmed", "out_for_delivery", {"readiness": "ready", "receiver": "guard"}, place=11, goods=5
    )
    yield Tale(hours(55), "confirmed", "out_for_delivery", {"readiness": "not_ready"}, place=8, goods=8)
    yield Tale(hours(60), "opted_out", "shipped", place=2, goods=3)
    # Three who were asked today how it was, and who send a photo as soon as somebody looks.
    yield Tale(hours(80), goods=0, place=1, stars=5, opinion=PRAISE[0], photo="kurta.jpg", locale="hi-Latn")
    yield Tale(hours(84), goods=3, place=9, stars=2, opinion=BLAME["packing"], photo="bottle.jpg")
    yield Tale(hours(90), goods=8, place=12, stars=5, opinion=PRAISE[3], photo="shoes.jpg")
