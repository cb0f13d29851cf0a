"""One file an outside service, each behind a port of `bot.core`."""
