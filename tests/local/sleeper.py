"""A program that notes its process id at the end of a file and sleeps."""

import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    with Path(sys.argv[1]).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(300)
