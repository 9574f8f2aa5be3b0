"""Every page opens, and every deed is done, on PostgreSQL as on SQLite."""

import io

from bot.orders import uploads
from bot.services import Services
from bot.settings import Settings
from bot.web.application import create_app
from tests.web import samples
from tests.web.conftest import SECRET, post
from tests.web.test_upload_pages import LIST

PAGES = (
    "/orders", "/orders?view=todo&q=priya&weak=1&changed=1&since=2020-01-01&until=2099-01-01&sort=cutoff",
    "/orders?sort=changed&after=2099-01-01T00:00:00%2B00:00~5", "/orders/{order}", "/overview?days=7", "/uploads",
    "/uploads/{upload}", "/uploads/{upload}?rows=repaired", "/people", "/people/audit", "/account", "/inbox",
    "/inbox/{talk}", "/inbox/calls", "/reviews", "/reviews?tag=late&only=photos", "/settings/whatsapp",
    "/live?t=orders&t=uploads&t=queue&t=order:{order}&t=upload:{upload}&t=conversation:{talk}", "/readyz", "/metrics",
)  # fmt: skip


def test_pages_and_deeds_work_on_every_database(database_url: str, redis_url: str) -> None:
    settings = Settings.from_env(database_url=database_url, redis_url=redis_url, secret_key=SECRET)
    services = Services.from_settings(settings)
    client = create_app(services).test_client()
    shop = samples.fill(services)
    samples.fill(services, "rival", count=3)
    assert post(client, "/sign-in", email=shop.owner, password=samples.PASSWORD).status_code == 302
    for page in PAGES:
        answer = client.get(page.format(order=shop.orders[0], upload=shop.upload, talk=shop.conversation))
        assert answer.status_code == 200, page

    assert post(client, f"/orders/{shop.orders[1]}/outcome", outcome="ship").status_code == 302
    done = post(client, "/orders/outcomes", outcome="shipped", order=[str(number) for number in shop.orders[:4]])
    assert done.status_code == 302
    handed_in = post(client, "/uploads", file=(io.BytesIO(LIST.encode()), "list.csv"))
    place = handed_in.location
    assert "Import and ask" in client.get(place).text
    assert post(client, f"{place}/columns", landmark="none").status_code == 302
    assert post(client, f"{place}/begin").status_code == 302
    assert uploads.run(services, int(place.rsplit("/", 1)[1]))
    assert client.get(f"{place}/file/decisions").status_code == 200
    assert "was taken back" in client.get(post(client, f"{place}/undo").location).text
    assert post(client, "/people", email="new@kesar.test", name="", role="agent").status_code == 200
    assert post(client, f"/people/{shop.members['agent']}/disable").status_code == 302
    assert post(client, "/account/devices/sign-out").status_code == 302
    services.database.engine.dispose()
