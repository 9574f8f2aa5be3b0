"""Check an address without any network service, ask the one question that helps, merge what the shopper answers.

The core is deterministic and never raises on any text. It reads one index file of its own, which
`flask addresses build` makes from public data (see `bot.addresses.build`).
"""

from bot.addresses.check import check
from bot.addresses.merge import merge
from bot.addresses.phones import PhoneReport, check_phone
from bot.addresses.records import (
    FINDINGS,
    FLAGS,
    QUESTIONS,
    Address,
    Change,
    Component,
    Finding,
    Merge,
    Option,
    Question,
    Reply,
    Report,
    Suggestion,
)

__all__ = [
    "FINDINGS",
    "FLAGS",
    "QUESTIONS",
    "Address",
    "Change",
    "Component",
    "Finding",
    "Merge",
    "Option",
    "PhoneReport",
    "Question",
    "Reply",
    "Report",
    "Suggestion",
    "check",
    "check_phone",
    "merge",
]
