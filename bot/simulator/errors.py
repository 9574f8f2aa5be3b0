"""The errors of the Cloud API: one catalogue, the body of a refused request, the node of a failed status."""

from __future__ import annotations

from typing import Any

# Code -> (HTTP status, title). https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
CATALOGUE: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (400, "An unknown error occurred"),
    2: (503, "Service temporarily unavailable"),
    3: (500, "Application does not have the capability to make this API call."),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    100: (400, "Invalid parameter"),
    190: (401, "Error validating access token: Session has expired"),
    368: (403, "Temporarily blocked for policies violations"),
    1026: (400, "Receiver Incapable"),
    80007: (400, "Rate limit issues"),
    130403: (403, "Business has blocked this user"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country."),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Business Account locked"),
    131037: (400, "WhatsApp provided number needs display name approval before message can be sent."),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped marketing messages from your business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131055: (400, "Method not allowed"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped User ID (BSUID) recipients are not supported for this message"),
    131064: (400, "Template classification violation limit reached"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "There's an issue with the parameters in your template"),
    132068: (400, "Flow is in blocked state"),
    132069: (400, "Flow is in throttled state"),
    133004: (500, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    133016: (400, "Account register deregister rate limit exceeded"),
    134011: (400, "WhatsApp Payments terms of service has not been accepted"),
    135000: (400, "Generic user error"),
    137000: (400, "Identity key check failed"),
}

# What `details` says when the caller has nothing better to say.
DETAILS: dict[int, str] = {
    1026: "Recipient's client cannot show this message.",
    130403: "The business has blocked this user.",
    130429: "Cloud API message throughput has been reached.",
    131000: "Something went wrong.",
    131016: "Service unavailable due to an internal error.",
    131026: "Message Undeliverable.",
    131030: "Recipient phone number not in allowed list: Add recipient phone number to recipient list and try again.",
    131042: "Message failed to send because there were one or more errors related to your payment method.",
    131047: "Message failed to send because more than 24 hours have passed since the customer last replied to this "
    "number.",
    131048: "Message failed to send because there are restrictions on how many messages can be sent from this phone "
    "number.",
    131049: "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    131050: "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages.",
    131053: "Media upload error",
    131056: "Message failed to send because there were too many messages sent from this phone number to the same "
    "phone number in a short period of time.",
    131057: "Business Account is currently in maintenance mode.",
    133010: "The account does not exist",
}

HREF = "/documentation/business-messaging/whatsapp/support/error-codes"


class Refusal(Exception):
    """A request the Cloud API answers with an error body.

    Generic Graph errors carry no `error_data`; the errors of WhatsApp do. `message` replaces the
    usual "(#code) Title".
    """

    def __init__(
        self,
        code: int,
        details: str | None = None,
        *,
        message: str | None = None,
        http: int | None = None,
        subcode: int | None = None,
        kind: str = "OAuthException",
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        status, title = CATALOGUE.get(code, (400, "Unknown error"))
        self.code = code
        self.http = http or status
        self.message = message or f"(#{code}) {title}"
        self.details = DETAILS.get(code) if details is None and message is None else details
        self.subcode = subcode
        self.kind = kind
        self.extra = extra or {}
        self.headers = headers or {}
        super().__init__(self.message)

    def body(self, trace: str) -> dict[str, Any]:
        """Return the JSON body; `trace` becomes `fbtrace_id`."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error.update(self.extra)
        error["fbtrace_id"] = trace
        return {"error": error}


def no_such_object(object_id: str, verb: str = "post") -> Refusal:
    """Return what Graph says of an id it does not know (recorded)."""
    return Refusal(
        100,
        message=f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        subcode=33,
        kind="GraphMethodException",
    )


def management_error(subcode: int, title: str, explanation: str) -> Refusal:
    """Return an error of the template and account endpoints, which explain themselves to people."""
    return Refusal(
        100,
        message="Invalid parameter",
        subcode=subcode,
        extra={"is_transient": False, "error_user_title": title, "error_user_msg": explanation},
    )


def failure(code: int, details: str | None = None) -> dict[str, Any]:
    """Return the `errors[]` node of a failed status."""
    title = CATALOGUE[code][1]
    text = details or DETAILS.get(code, title)
    return {"code": code, "title": title, "message": title, "error_data": {"details": text}, "href": HREF}
