"""A console with a lot in it, for the benchmarks: ten shops on one PostgreSQL, of which one has half of everything."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from bot.clock import now
from bot.database import Database, upgrade
from bot.services import Services
from tests.web import samples

MESSAGES = 10
OPEN_TASKS = 3000
LONG_TALK = 400
"""Messages in one conversation, so that a page full of bubbles is measured too."""

# Orders lie over ninety days and were written as they came, most of them ended; every second one belongs to the large
# shop.
FILL = """
insert into merchant (channel_id, slug, name, region, locale, currency, timezone, rules, created_at)
select (select min(id) from channel), 'shop' || n, 'Shop ' || n, 'IN', 'en', 'INR', 'Asia/Kolkata', '{}', :at
from generate_series(1, 9) n;
insert into contact (id, channel_id, name, region, created_at)
select 1000 + n, (select min(id) from channel), 'Shopper ' || n, 'IN', :at from generate_series(1, :many) n;
insert into identity (channel_id, contact_id, scheme, value)
select channel_id, id, 'phone', (910000000000 + id)::text from contact where id > 1000;
insert into conversation (id, channel_id, contact_id, shard, owner, epoch, seq, window_until, last_at, data, created_at)
select id, channel_id, id, id % 4, 'bot', 0, 10, :at + interval '20 hours', :at, '{}', :at from contact where id > 1000;
insert into upload (merchant_id, filename, sha256, format, header, mapping, dialect, status, rows, done, accepted,
  skipped, rejected, created_at, touched_at, finished_at)
select :shop, 'list_' || n || '.csv', 'sha' || n, 'shopify', '["Name", "Phone", "Total"]', '{}', '{}', 'done', 500, 500,
  480, 10, 10, :at - n * interval '3 hours', :at, :at from generate_series(1, 400) n;
insert into upload_row (upload_id, row_number, raw, status, problems)
select u.id, n + 1, '["#1", "12345", "900"]', (array['accepted', 'rejected', 'skipped'])[1 + n % 3],
  '[{"column": "Phone", "value": "12345", "code": "phone", "reason": "This is no phone number."}]'
from (select max(id) as id from upload) u, generate_series(1, 50000) n;
insert into orders (id, merchant_id, upload_id, contact_id, reference, shopper_name, phone, alternate_phone, email,
  region, amount, currency, raw, reached, status, intent, readiness, decision, decision_reason, decision_sum,
  cancel_reason, cancel_note, wish, slot, receiver, instructions, address_changed, held_out, trial, cutoff_at,
  asked_at, answered_at,
  created_at, updated_at)
select id, case when id % 2 = 0 then :shop else (select min(id) from merchant where id <> :shop) + (id % 9) end,
  (select max(upload.id) from upload where id % 2 = 0) - id % 300,
  id, 'R' || id, 'Shopper ' || id, '+' || (910000000000 + id), '', '', 'IN', (id * 7919) % 500000, 'INR', '{}', '{}',
  case when id % 11 < 8 then (array['shipped', 'delivered', 'returned', 'delivered'])[1 + id % 4] else 'open' end,
  (array['confirmed', 'confirmed', 'asked', 'silent', 'cancelled', 'confirmed', 'unasked'])[1 + id % 7],
  'unasked', case when id % 50 = 0 then 'call' when id % 13 = 0 then 'hold' when id % 3 = 0 then 'ship' end, '', '{}',
  case when id % 7 = 4 then (array['price', 'mistake', 'late'])[1 + id % 3] else '' end,
  '', '', '', '', '', id % 9 = 0, id % 20 = 3, false,
  :at - id % 90 * interval '1 day' + (id % 2000 - 400) * interval '1 minute',
  :at - id % 90 * interval '1 day',
  case when id % 7 in (0, 1, 4, 5) then :at - id % 90 * interval '1 day' + id % 700 * interval '1 minute' end,
  :at - id % 90 * interval '1 day' - id % 1000 * interval '1 second', :at - id % 90 * interval '1 day'
from contact where id > 1000 order by id % 90 desc, id % 1000 desc;
insert into order_item (order_id, position, name, sku, quantity, price)
select id, 1, 'Kurta ' || id % 400, '', 1, amount from orders where id > 1000 order by created_at;
insert into address (order_id, version, given_by, parts, settled, score, findings, created_at)
select id, 1, 'order', jsonb_build_object('address1', 'Flat 12', 'city', 'Lucknow', 'postal_code', 226000 + id % 900),
  true, 30 + id % 70, case when id % 3 = 0 then '[{"code": "HOUSE", "severity": "warn", "field": "address1",
  "sentence": "There is no house number.", "value": ""}]' else '[]' end::json, :at from orders where id > 1000
order by created_at;
insert into run (id, merchant_id, conversation_id, order_id, flow, version, step, turn, state, status, created_at,
  updated_at)
select id, merchant_id, contact_id, id, 'order_confirmation', 1, 'confirm', 1, '{}', 'waiting', :at, :at
from orders where id > 1000;
insert into message (conversation_id, merchant_id, run_id, order_id, direction, author, key, seq, kind, body, choices,
  extra, wamid, status, attempts, resent, epoch, created_at)
select id, merchant_id, id, id, case when n % 2 = 0 then 'in' else 'out' end,
  case when n % 2 = 0 then 'shopper' else 'bot' end, id || ':' || n, n, 'text',
  'Some words that a shopper or the bot said, number ' || n, '[]', '{}', 'w' || id || ':' || n,
  case when n % 2 = 0 then 'received' else 'read' end, 0, false, 0, :at + n * interval '1 minute'
from run, generate_series(1, :messages) n where run.id > 1000;
insert into message (conversation_id, merchant_id, run_id, order_id, direction, author, key, seq, kind, body, choices,
  extra, wamid, status, attempts, resent, epoch, created_at)
select id, merchant_id, id, id, case when n % 2 = 0 then 'in' else 'out' end,
  case when n % 2 = 0 then 'shopper' else 'bot' end, id || ':' || n, n, 'text',
  'Some words that a shopper or the bot said, number ' || n, '[]', '{}', 'w' || id || ':' || n,
  case when n % 2 = 0 then 'received' else 'read' end, 0, false, 0, :at + n * interval '1 minute'
from run, generate_series(:messages + 1, :long) n where run.id = :talk;
update conversation set seq = :long where id = :talk;
insert into receipt (message_id, status, at, category, billable)
select id, s, created_at, 'utility', s = 'delivered' from message, unnest(array['sent', 'delivered', 'read']) s
where direction = 'out' and run_id > 1000;
insert into handover (merchant_id, conversation_id, run_id, order_id, reason, detail, opened_at, resolved_at, outcome,
  note)
select merchant_id, conversation_id, id, order_id, 'not_understood', '{}', :at,
  case when rank > :tasks then :at end, '', ''
from (select run.*, row_number() over (partition by merchant_id order by id) as rank from run where id > 1000) r
where id % 5 = 0 or rank <= :tasks;
update conversation c set owner = 'queue', waiting_since = :at
from handover h where h.conversation_id = c.id and h.resolved_at is null and c.owner = 'bot';
insert into review (merchant_id, order_id, rating, text, tags, media, reply, created_at, updated_at)
select merchant_id, id, 1 + id % 5, 'It came in time, number ' || id, '["late"]',
  case when id % 4 = 0 then '[{"id": "1", "kind": "image"}]' else '[]' end::json, '', updated_at, updated_at
from orders where id > 1000 and status = 'delivered';
insert into audit (merchant_id, member_id, at, act, object, detail)
select merchant_id, null, updated_at, 'order.outcome', 'order:' || id,
  '{"by": "rule", "changes": {"decision": [null, "ship"]}, "texts": []}' from orders where id > 1000;
"""

WAITING = """
select conversation_id from handover where merchant_id = :shop and resolved_at is null order by id desc limit 500
"""


@dataclass(frozen=True)
class Full:
    """What was written: who can sign in, and ids of the large shop's rows."""

    shop: samples.Shop
    talk: int
    """A conversation of several hundred messages, whose order is the same number."""
    upload: int
    waiting: Sequence[int]
    """The five hundred conversations that were the last to be handed to a person and still wait."""
    messages: int
    seconds: float


def fill(services: Services, conversations: int) -> Full:
    """Write so many conversations of ten messages each into an empty PostgreSQL."""
    upgrade(services.settings.database_url)
    shop = samples.fill(services, "kesar")
    began = time.monotonic()
    talk = 1000 + conversations // 2 // 2 * 2
    values = {"at": now() - timedelta(hours=1), "many": conversations, "shop": shop.merchant, "messages": MESSAGES,
              "tasks": OPEN_TASKS, "long": LONG_TALK, "talk": talk}  # fmt: skip
    engine = Database(services.settings.database_url).engine
    with engine.begin() as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        for statement in FILL.split(";\n"):
            if statement.strip():
                connection.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        connection.exec_driver_sql("vacuum analyze")
        messages = connection.execute(text("select count(*) from message")).scalar_one()
        upload = connection.execute(text("select max(id) from upload")).scalar_one()
        waiting = connection.execute(text(WAITING), {"shop": shop.merchant}).scalars().all()
    engine.dispose()
    return Full(shop, talk, upload, waiting, messages, time.monotonic() - began)
