"""Pakka's one program file: `app` for the web server, and as a script the commands `up`, `test` and `setup`."""

if __name__ == "__main__":
    # Nothing but the standard library may be imported here: on a new machine there is nothing else yet.
    import sys

    from bot.local.bootstrap import main

    raise SystemExit(main(sys.argv[1:]))
else:
    from bot.cli import register
    from bot.services import Services
    from bot.settings import Settings, SettingsError
    from bot.web.application import create_app
    from flows import FLOWS

    try:
        app = create_app(Services.from_settings(Settings.from_env()), [register], FLOWS)
    except SettingsError as error:
        # One line that names the setting, and no traceback: an operator reads this, not an author.
        raise SystemExit(str(error)) from None
