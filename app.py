"""Pakka's one program file: `app` for the web server, and as a script the commands `up`, `test` and `setup`."""

if __name__ == "__main__":
    # Nothing but the standard library may be imported here: on a new machine there is nothing else yet.
    import sys

    from bot.local.bootstrap import main

    raise SystemExit(main(sys.argv[1:]))
