"""The demo of `up`: a shop with people, some weeks behind it and an order list; its shoppers live in the simulator."""

from bot.demo.shop import AGENT, OWNER, prepare

__all__ = ["AGENT", "OWNER", "prepare"]
