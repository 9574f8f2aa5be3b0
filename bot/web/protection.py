"""What guards every answer and every request: headers, sizes, forgery, rates."""

import secure
from flask import Flask, Response, abort, request
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.web.access import someone

BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
"""A shop export of 100,000 rows has about 40 MB."""
_BIG = frozenset({"uploads.receive", "api.create_upload"})
_OWN_CAP = frozenset({"whatsapp.receive"})
"""The webhook caps its body itself, because it needs the raw bytes."""

csrf = CSRFProtect()


def _who() -> str:
    person = someone()
    return f"member:{person.id}" if person else f"address:{request.remote_addr}"


limiter = Limiter(
    _who,
    strategy="moving-window",
    default_limits=["600 per minute"],
    in_memory_fallback_enabled=True,
    headers_enabled=True,
    key_prefix="pakka",
)


def install(app: Flask) -> None:
    """Put the guards into force that need to know who is asking."""
    settings = app.extensions["pakka"].settings
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    https = settings.cookies_need_https
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT,
        MAX_FORM_PARTS=500,
        SESSION_COOKIE_NAME="__Host-form" if https else "form",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # A console stays open for a day; the token dies with the sign-in.
        WTF_CSRF_SSL_STRICT=False,  # Sec-Fetch-Site and Origin are checked below; the Referer is not sent at all.
        RATELIMIT_STORAGE_URI=_limiter_address(settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS={"socket_timeout": 0.3, "socket_connect_timeout": 0.3},
    )
    _refuse_foreign_posts(app)
    _refuse_null(app)
    csrf.init_app(app)
    limiter.init_app(app)
    _send_headers(app, https=https)


def cap_bodies(app: Flask) -> None:
    """Refuse what is too big before anything else is asked of it, whoever sent it."""

    @app.before_request
    def _cap() -> None:
        if request.endpoint in _OWN_CAP:
            return
        big = request.endpoint in _BIG and request.mimetype == "multipart/form-data"
        request.max_content_length = UPLOAD_LIMIT if big else BODY_LIMIT
        if (request.content_length or 0) > request.max_content_length:
            abort(413)
        if request.method in ("GET", "HEAD", "OPTIONS") or request.content_length is not None:
            return
        # A chunked body says its length only by ending; a view that never reads it would not notice, and one that is no
        # form is cut off at the limit without a word.
        if len(request.get_data(parse_form_data=True)) >= request.max_content_length:
            abort(413)


def _refuse_foreign_posts(app: Flask) -> None:
    @app.before_request
    def _refuse() -> None:
        if request.method in ("GET", "HEAD", "OPTIONS") or request.blueprint in ("whatsapp", "api"):
            return
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403)


def _refuse_null(app: Flask) -> None:
    """No browser of a person sends a NUL, and PostgreSQL takes none."""

    @app.before_request
    def _refuse() -> None:
        if request.blueprint not in ("whatsapp", "api") and any(
            "\0" in text for name in request.values for text in (name, *request.values.getlist(name))
        ):
            abort(400)


def _send_headers(app: Flask, *, https: bool) -> None:
    headers = secure.Secure(
        csp=secure.ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .font_src("'self'")
        .connect_src("'self'")
        .media_src("'self'")
        .worker_src("'self'")
        .manifest_src("'self'")
        .object_src("'none'")
        .base_uri("'none'")
        .form_action("'self'")
        .frame_ancestors("'none'"),
        coop=secure.CrossOriginOpenerPolicy().same_origin(),
        corp=secure.CrossOriginResourcePolicy().same_origin(),
        hsts=secure.StrictTransportSecurity().max_age(63072000).include_subdomains() if https else None,
        permissions=secure.PermissionsPolicy().geolocation().microphone().camera(),
        referrer=secure.ReferrerPolicy().same_origin(),
        xcto=secure.XContentTypeOptions().nosniff(),
        xfo=secure.XFrameOptions().deny(),
    ).headers

    @app.after_request
    def _add(response: Response) -> Response:
        for name, value in headers.items():
            # A page with needs of its own, such as the API's reference, brings its own policy.
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _limiter_address(redis_url: str) -> str:
    """Return the address as the rate limiter spells it."""
    return redis_url.replace("unix://", "redis+unix://", 1)
