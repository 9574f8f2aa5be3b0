"""`flask simulate`: shoppers of every kind talk to the bot on a fast clock, and a tally tells what came out."""

from typing import IO

import click


@click.command("simulate")
@click.option(
    "--orders", "list_file", type=click.File("rb"), help="An order list of any shop; default: the sample list."
)
@click.option("--shoppers", default=200, show_default=True, type=click.IntRange(1, 20_000), help="How many.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same shoppers.")
@click.option("--flows", default="order_confirmation", show_default=True,
              help="Which talks are on: order_confirmation,delivery_slot,readiness,review.")  # fmt: skip
def command(list_file: IO[bytes] | None, shoppers: int, seed: int, flows: str) -> None:
    """Let simulated shoppers talk to the bot and print one JSON object.

    Nothing leaves this machine, and your own database is not touched.
    """
    import json
    import logging

    from bot.shoppers.performance import perform

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    content = list_file.read() if list_file else None
    found = perform(content, shoppers=shoppers, seed=seed, flows=tuple(flows.split(",")))
    click.echo(json.dumps(found.to_json(), indent=2))
