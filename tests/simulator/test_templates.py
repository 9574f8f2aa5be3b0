"""Templates: creating, reviewing, listing, changing, deleting, and what a send must carry."""

import copy
from typing import Any

import pytest

from tests.simulator.conftest import ASHA, WABA, Hook, Sim

Json = dict[str, Any]
CONFIRM: Json = {
    "name": "cod_confirm", "language": "en", "category": "UTILITY", "parameter_format": "named",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{order_no}}",
         "example": {"header_text_named_params": [{"param_name": "order_no", "example": "#1042"}]}},
        {"type": "BODY", "text": "Hi {{name}}, please confirm your cash-on-delivery order of {{amount}} with a button.",
         "example": {"body_text_named_params": [{"param_name": "name", "example": "Asha"},
                                                {"param_name": "amount", "example": "Rs 1,299"}]}},
        {"type": "FOOTER", "text": "Reply STOP to opt out"},
        {"type": "BUTTONS", "buttons": [
            {"type": "QUICK_REPLY", "text": "Confirm order"}, {"type": "QUICK_REPLY", "text": "Cancel order"},
            {"type": "URL", "text": "Track", "url": "https://shop.in/o/{{1}}", "example": ["https://shop.in/o/8"]}]},
    ],
}  # fmt: skip


def create(sim: Sim, **changes: Any) -> Json:
    answer: Json = sim.graph("POST", f"{WABA}/message_templates", json={**CONFIRM, **changes}).json()
    return answer


def message(**changes: Any) -> Json:
    """Return a complete send of the template, with components replaced by name."""
    parts: Json = {
        "header": {"parameters": [{"type": "text", "parameter_name": "order_no", "text": "#1042"}]},
        "body": {"parameters": [{"type": "text", "parameter_name": "amount", "text": "₹1,299"},
                                {"type": "text", "parameter_name": "name", "text": "Asha"}]},
        "button": {"sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "r.1.yes"}]},
        "url": {"type": "button", "sub_type": "url", "index": 2, "parameters": [{"type": "text", "text": "8812"}]},
    }  # fmt: skip
    components = [{"type": name, **part} for name, part in {**parts, **changes}.items() if part is not None]
    template = {"name": "cod_confirm", "language": {"code": "en"}, "components": components}
    return {"type": "template", "template": template}


def test_a_template_is_reviewed_and_the_business_hears_of_it(sim: Sim, hook: Hook) -> None:
    sim.freeze()
    made = create(sim)
    assert (made["status"], made["category"]) == ("PENDING", "UTILITY")
    assert sim.send(message()).json()["error"]["code"] == 132001
    sim.advance(2)
    change = hook.bodies[0]["entry"][0]["changes"][0]
    assert change["field"] == "message_template_status_update"
    assert change["value"]["event"] == "APPROVED"
    assert change["value"]["message_template_id"] == int(made["id"])
    assert sim.send(message()).ok


def test_the_phone_shows_the_filled_template_and_its_buttons_answer(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"review_seconds": 0, "status_scale": 0})
    create(sim)
    wamid = sim.sent(message())
    sim.idle()
    shown = sim.get(f"/phones/{ASHA}/chat")["messages"][0]
    assert shown["header"] == "Order #1042"
    assert shown["text"] == "Hi Asha, please confirm your cash-on-delivery order of ₹1,299 with a button."
    assert shown["footer"] == "Reply STOP to opt out"
    assert [b["title"] for b in shown["buttons"]] == ["Confirm order", "Cancel order", "Track"]
    assert shown["buttons"][2]["url"] == "https://shop.in/o/8812"
    assert "r.1.yes" not in str(shown), "a phone does not show what a button carries"
    sim.act("tap", title="Confirm order")
    sim.act("tap", wamid=wamid, index=1)
    sim.idle()
    buttons = [node["button"] for node in hook.nodes("messages")]
    assert {"payload": "r.1.yes", "text": "Confirm order"} in buttons
    assert {"payload": "Cancel order", "text": "Cancel order"} in buttons, "without a payload the label comes back"
    assert all(node["context"]["id"] == wamid for node in hook.nodes("messages"))


def text(value: Any) -> Json:
    return {"parameters": [{"type": "text", "parameter_name": "order_no", "text": value}]}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"header": None}, 132000,
         "header: number of localizable_params (0) does not match the expected number of params (1)"),
        ({"header": {"parameters": [{"type": "text", "text": "x"}]}}, 100, "Parameter name is missing or empty"),
        ({"header": text(None)}, 100, "Parameter 'text' is mandatory for component parameter type 'text'"),
        ({"header": text("a\nb")}, 132018,
         "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"),
        ({"header": text("a     b")}, 132018, "4 consecutive spaces"),
        ({"header": {"parameters": [{"type": "image", "parameter_name": "order_no"}]}}, 132012, "image"),
        ({"url": None}, 131008, "buttons: Button at index 2 of type Url requires a parameter"),
        ({"url": {"type": "button", "index": 7, "sub_type": "url", "parameters": []}}, 131008, "index 2"),
        ({"more": {"type": "button", "index": 7, "sub_type": "quick_reply", "parameters": []}}, 131009, "index 7"),
        ({"body": {"parameters": [{"type": "text", "parameter_name": n, "text": "x" * 600}
                                  for n in ("name", "amount")]}}, 132005, "1024"),
    ],
)  # fmt: skip
def test_a_send_that_does_not_fit_its_template_is_refused(sim: Sim, changes: Json, code: int, words: str) -> None:
    sim.patch("/settings", {"review_seconds": 0})
    create(sim)
    error = sim.send(message(**changes)).json()["error"]
    assert error["code"] == code
    assert words in error["error_data"]["details"]


def test_positional_parameters_are_filled_in_order(sim: Sim) -> None:
    sim.patch("/settings", {"review_seconds": 0, "status_scale": 0})
    body = {
        "type": "BODY",
        "text": "Order {{1}} goes to {{2}} today, please be there.",
        "example": {"body_text": [["1", "x"]]},
    }
    assert "id" in create(sim, parameter_format="positional", components=[body])
    values = [{"type": "text", "text": "#7"}, {"type": "currency", "currency": {"fallback_value": "Pune"}}]
    sim.sent(message(header=None, button=None, url=None, body={"parameters": values}))
    sim.idle()
    assert sim.get(f"/phones/{ASHA}/chat")["messages"][0]["text"] == "Order #7 goes to Pune today, please be there."


def components(index: int, **changes: Any) -> list[Json]:
    """Return the components of the sample with one of them changed."""
    changed = copy.deepcopy(CONFIRM["components"])
    changed[index] |= changes
    return list(changed)


@pytest.mark.parametrize(
    ("changes", "subcode"),
    [
        ({"name": "Cod-Confirm"}, 2388085),
        ({"components": components(1, text="{{name}} please confirm your order of {{amount}} today")}, 2388299),
        ({"components": components(1, text="Hi {{name}}{{amount}} please confirm your order with a button")}, 2388072),
        ({"components": components(1, text="Hi {{name}}, {{amount}}.")}, 2388293),
        ({"components": components(1, example={})}, 2388072),
        ({"components": components(1, text="Hi {{1}} and {{3}} and so on, please look at the order.")}, 2388072),
        ({"components": components(1, text="x" * 1025)}, 2388040),
        ({"components": components(0, text="{{a}} and {{b}}")}, 2388047),
        ({"components": components(2, text="Bye {{name}}")}, 2388073),
        ({"components": components(3, buttons=[{"type": "QUICK_REPLY", "text": "x" * 26}])}, 2388056),
        ({"components": components(3, buttons=[
            {"type": "QUICK_REPLY", "text": "a"}, {"type": "URL", "text": "b", "url": "https://x.in"},
            {"type": "QUICK_REPLY", "text": "c"}])}, 2388060),
        ({"components": components(3, buttons=[{"type": "URL", "text": "b", "url": "https://x.in/{{1}}/a",
                                                "example": ["x"]}])}, 2388056),
    ],
)  # fmt: skip
def test_a_template_against_the_rules_is_not_created(sim: Sim, changes: Json, subcode: int) -> None:
    error = create(sim, **changes)["error"]
    assert (error["code"], error["error_subcode"]) == (100, subcode)
    assert error["error_user_msg"]


def test_promotional_words_make_a_utility_template_marketing(sim: Sim) -> None:
    promotion = [{"type": "BODY", "text": "Pay now and get 10% off your order."}]
    assert create(sim, components=promotion)["category"] == "MARKETING"
    sim.patch("/settings", {"recategorize": False})
    assert create(sim, name="other", components=promotion)["category"] == "UTILITY"


def test_templates_are_listed_by_page_and_filter(sim: Sim) -> None:
    sim.patch("/settings", {"review_seconds": 0})
    for i in range(5):
        create(sim, name=f"t{i}", language="hi" if i % 2 else "en")
    first = sim.graph("GET", f"{WABA}/message_templates?limit=4&fields=name,status").json()
    assert [t["name"] for t in first["data"]] == ["hello_world", "t0", "t1", "t2"]
    assert set(first["data"][0]) == {"name", "status", "id"}
    second = sim.http.get(first["paging"]["next"], headers={"Authorization": "Bearer x"}, timeout=10).json()
    assert [t["name"] for t in second["data"]] == ["t3", "t4"]
    assert "next" not in second["paging"]
    hindi = sim.graph("GET", f"{WABA}/message_templates?language=hi&summary=total_count").json()
    assert len(hindi["data"]) == hindi["summary"]["total_count"] == 2


def test_a_paused_or_disabled_template_says_so_and_comes_back(sim: Sim, hook: Hook) -> None:
    sim.patch("/settings", {"review_seconds": 0})
    create(sim)
    codes = []
    for status in ("PAUSED", "DISABLED", "REJECTED", "REINSTATED"):
        sim.patch("/templates/cod_confirm", {"status": status})
        codes.append(sim.send(message()).json().get("error", {}).get("code"))
    assert codes == [132015, 132016, 132001, None]
    sim.patch("/templates/cod_confirm", {"category": "MARKETING", "quality": "RED"})
    sim.idle()
    fields = {b["entry"][0]["changes"][0]["field"] for b in hook.bodies}
    assert fields >= {
        "message_template_status_update", "template_category_update", "message_template_quality_update"
    }  # fmt: skip


def test_an_approved_template_can_be_edited_once_a_day_and_not_change_its_category(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"review_seconds": 0})
    identity = create(sim)["id"]
    edit = {"components": [{"type": "BODY", "text": "A new text"}]}
    assert sim.graph("POST", identity, json={"category": "MARKETING"}).json()["error"]["error_subcode"] == 2388039
    assert sim.graph("POST", identity, json=edit).json()["success"]
    assert sim.graph("POST", identity, json=edit).json()["error"]["error_subcode"] == 2388039
    sim.advance(86_401)
    assert sim.graph("POST", identity, json=edit).json()["success"]
    assert sim.graph("GET", identity).json()["components"] == edit["components"]


def test_a_deleted_name_is_blocked_for_thirty_days(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"review_seconds": 0})
    create(sim)
    create(sim, language="hi")
    missing = sim.graph("DELETE", f"{WABA}/message_templates?name=fake").json()["error"]
    assert (missing["error_subcode"], missing["error_user_title"]) == (2593002, "Message Template Not Found")
    assert sim.graph("DELETE", f"{WABA}/message_templates?name=cod_confirm").json() == {"success": True}
    assert len(sim.graph("GET", f"{WABA}/message_templates").json()["data"]) == 1
    assert create(sim)["error"]["error_subcode"] == 2388023
    sim.advance(30 * 86_400)
    assert "id" in create(sim)
    assert create(sim)["error"]["error_subcode"] == 2388024


def test_creations_are_limited_by_hour(sim: Sim) -> None:
    sim.freeze()
    sim.patch("/settings", {"template_creations_per_hour": 2, "management_per_hour": 5})
    assert "id" in create(sim, name="a")
    assert "id" in create(sim, name="b")
    assert create(sim, name="c")["error"]["code"] == 80007
    sim.advance(3_601)
    assert "id" in create(sim, name="c")
    codes = [sim.graph("GET", f"{WABA}/message_templates").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 200, 400]
