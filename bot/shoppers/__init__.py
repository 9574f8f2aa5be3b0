"""Simulated shoppers: personas that talk to the bot through the simulator, on a fast clock, and a tally."""
