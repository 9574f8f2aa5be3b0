"""The forms of sign-in, account and people."""

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp

from bot.web.languages import LANGUAGES
from bot.web.passwords import LONGEST

WORDS = {
    "short": _("Take at least 10 characters. A short sentence is easy to remember."),
    "long": _("That is longer than 256 characters."),
    "common": _("This one is guessed quickly. Take three or four words that do not belong together."),
    "taken": _("Somebody with this e-mail address has a login already."),
    "email": _("This is not an e-mail address."),
}
"""What a `MemberError` says to a person."""

_address = Regexp(r"^\s*[^@\s]+@[^@\s]+\.[^@\s.]+\s*$", message=WORDS["email"])
_needed = InputRequired(_("Please fill this in."))


class SignIn(FlaskForm):
    """E-mail address and password."""

    email = EmailField(
        _("E-mail"), [_needed, Length(max=254)], render_kw={"autocomplete": "username", "autofocus": True}
    )
    password = PasswordField(
        _("Password"), [_needed, Length(max=LONGEST)], render_kw={"autocomplete": "current-password"}
    )


class Code(FlaskForm):
    """A code of the second factor, or a recovery code."""

    code = StringField(
        _("Code"),
        [_needed, Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "autocapitalize": "none"},
    )


class Entry(FlaskForm):
    """A name and a password, for those who come by a link."""

    name = StringField(_("Your name"), [_needed, Length(max=80)], render_kw={"autocomplete": "name"})
    password = PasswordField(_("New password"), [_needed], render_kw={"autocomplete": "new-password", "minlength": 10})


class Profile(FlaskForm):
    """What a person chooses for themselves."""

    name = StringField(_("Name"), [_needed, Length(max=80)], render_kw={"autocomplete": "name"})
    locale = SelectField(_("Language"), choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()])


class NewPassword(FlaskForm):
    """The old and the new password."""

    current = PasswordField(
        _("Password now"), [_needed, Length(max=LONGEST)], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(_("New password"), [_needed], render_kw={"autocomplete": "new-password", "minlength": 10})


class Confirm(FlaskForm):
    """The password once more, before something that matters."""

    password = PasswordField(
        _("Your password"), [_needed, Length(max=LONGEST)], render_kw={"autocomplete": "current-password"}
    )


class EnableSecondFactor(FlaskForm):
    """The first code of a new authenticator."""

    code = StringField(
        _("Six digits from the app"),
        [_needed, Regexp(r"^\s*\d{3}\s?\d{3}\s*$", message=_("Six digits are needed."))],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True},
    )


class Invite(FlaskForm):
    """Who comes in, and as what."""

    email = EmailField(_("E-mail"), [_needed, Length(max=254), _address])
    name = StringField(_("Name"), [Length(max=80)])
    role = RadioField(_("Role"), default="agent")

    def __init__(self, roles: list[tuple[str, Any]]) -> None:
        super().__init__()
        self.role.choices = [SelectChoice(code, name) for code, name in roles]
