"""Jobs for what comes in. Each finds its work in the database, so it may run twice or find nothing."""

from bot.jobs import DRAIN, UNPACK
from bot.talk import drain as shard_drain
from bot.talk import inbox
from flows import FLOWS
from workers.context import services


def unpack() -> None:
    """Turn envelopes into events."""
    services().bell.open_door(UNPACK)
    inbox.unpack(services())


def drain(shard: int) -> None:
    """Handle the pending events of a shard."""
    services().bell.open_door(DRAIN, shard)
    shard_drain.drain(services(), shard, FLOWS)
