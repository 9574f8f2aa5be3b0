"""Prepare the demo; what is printed stands under the addresses that `up` shows: only what a person must know."""

import logging
import os
import sys

import structlog

from bot.demo import prepare
from bot.services import Services
from bot.settings import Settings

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
for line in prepare(Services.from_settings(Settings.from_env()), os.environ.get("DEMO_PASSWORD", "")):
    sys.stdout.write(f"{line}\n")
