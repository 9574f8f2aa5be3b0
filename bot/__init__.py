"""Pakka: the shopper's yes, and the right address, before a cash-on-delivery parcel ships."""

import atexit
import gc

# Every program keeps some hundred thousand objects of its libraries for life. As Python comes, it looks through them
# again and again while they are imported and afterwards: that was a seventh of each program's start.
gc.set_threshold(50_000, 50, 10)
# Nor does it look through them a last time when a program ends, which took a third of a short command.
atexit.register(gc.freeze)
