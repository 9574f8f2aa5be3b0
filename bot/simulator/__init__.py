"""A faithful local WhatsApp Cloud API with phones, for developers of WhatsApp bots.

It imports nothing of the program beside it and is spoken to over HTTP only, so any client of the
Cloud API can be pointed at it. Start it with ``flask simulator`` or ``python -m bot.simulator``.
"""
