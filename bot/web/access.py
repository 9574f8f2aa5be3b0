"""Who may call which page: every view says so, and the application refuses to start with one that does not."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.clock import now
from bot.services import services
from bot.settings import Settings
from bot.web import sessions
from bot.web.sessions import Person, Shop

OWNER, STAFF, AGENT, ADMIN = "owner", "staff", "agent", "admin"
EVERYONE = frozenset({OWNER, STAFF, AGENT, ADMIN})
SHOP = frozenset({OWNER, STAFF, AGENT})
"""Everybody of a merchant."""
MERCHANT = frozenset({OWNER, STAFF})

View = TypeVar("View", bound=Callable[..., Any])

_PUBLIC, _HALF, _ROLES = "pakka_public", "pakka_unfinished", "pakka_roles"


def public(view: View) -> View:
    """Let anybody call this view."""
    setattr(view, _PUBLIC, True)
    return view


def unfinished(view: View) -> View:
    """Let also those call this view whose sign-in still lacks the second factor."""
    setattr(view, _HALF, True)
    return view


def allow(roles: frozenset[str] | str) -> Callable[[View], View]:
    """Let only people of these roles call this view."""

    def mark(view: View) -> View:
        setattr(view, _ROLES, frozenset({roles}) if isinstance(roles, str) else roles)
        return view

    return mark


def me() -> Person:
    """Return who is asking; answers 401 when nobody is signed in."""
    person = someone()
    if person is None:
        abort(401)
    return person


def someone() -> Person | None:
    """Return who is asking, if anybody is signed in."""
    return cast(Person | None, g.get("person"))


def my_shop() -> Shop:
    """Return the shop of whoever is asking; answers 404 to a platform admin, who has none."""
    shop = me().shop
    if shop is None:
        abort(404)
    return shop


def cookie_name() -> str:
    """Return the name of the sign-in cookie of the running application."""
    return cookie_name_of(services().settings)


def cookie_name_of(settings: Settings) -> str:
    """Return the name of the sign-in cookie; the prefix makes browsers bind it to this host and to HTTPS."""
    return "__Host-pakka" if settings.cookies_need_https else "pakka"


def needs_second_factor(role: str) -> bool:
    """Whether this role has to have a second factor: who decides over people, money or shoppers, in production."""
    return _needs_second_factor(role, services().settings)


def is_complete(person: Person, settings: Settings) -> bool:
    """Whether a sign-in has all that the person's role needs now: it may have become another one since."""
    return person.second_factor and (person.has_totp or not _needs_second_factor(person.role, settings))


def _needs_second_factor(role: str, settings: Settings) -> bool:
    return role != STAFF and settings.public_url.startswith("https")


def install(app: Flask) -> None:
    """Check every request before its view runs."""

    @app.before_request
    def _check() -> AnyResponse | None:
        view = app.view_functions.get(request.endpoint or "")
        # Static files and unknown addresses need nobody's name.
        if view is None or request.endpoint == "static":
            return None
        _identify()
        if getattr(view, _PUBLIC, False):
            return None
        person = someone()
        if person is None:
            return _elsewhere(url_for("signin.page", next=_here()), 401)
        if not is_complete(person, services().settings) and not getattr(view, _HALF, False):
            target = "signin.code" if person.has_totp else "account.second_factor_page"
            return _elsewhere(url_for(target), 401)
        if person.role not in getattr(view, _ROLES):
            abort(403)
        return None


def check_declared(app: Flask) -> None:
    """Refuse to start with a view that does not say who may call it."""
    for endpoint, view in app.view_functions.items():
        if endpoint == "static" or any(hasattr(view, mark) for mark in (_PUBLIC, _ROLES)):
            continue
        raise LookupError(f"nobody said who may call {endpoint}: mark it with public or allow(...)")


def roles_of(view: Callable[..., Any]) -> frozenset[str] | None:
    """Return who may call a view; None means anybody."""
    return None if getattr(view, _PUBLIC, False) else cast(frozenset[str], getattr(view, _ROLES, None))


def _identify() -> None:
    token = request.cookies.get(cookie_name())
    if not token:
        return
    at = now()
    with services().database.glance() as session:
        found = sessions.find(session, token, at)
    if found is None:
        return
    g.person, stale = found
    if stale:
        with services().database.session() as session:
            sessions.saw(session, g.person.session_id, at)


def _here() -> str | None:
    """The page to come back to after signing in; a form that was posted cannot be repeated."""
    return request.full_path.rstrip("?") if request.method == "GET" and "HX-Request" not in request.headers else None


def _elsewhere(target: str, status_for_scripts: int) -> AnyResponse:
    if "HX-Request" in request.headers:
        return Response(status=status_for_scripts, headers={"HX-Redirect": target})
    if request.accept_mimetypes.best == "application/json":
        abort(status_for_scripts)
    return redirect(target)
