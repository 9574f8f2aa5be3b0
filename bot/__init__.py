"""Pakka: the shopper's yes, and the right address, before a cash-on-delivery parcel ships."""

import gc

# Every program keeps some hundred thousand objects of its libraries for life. As Python comes, it looks through them
# again and again while they are imported and afterwards: that was a seventh of each program's start.
gc.set_threshold(50_000, 50, 10)
