"""`make pessoa TELEFONE=… NOME=… PERFIL=advogado|cliente`: the directory of people."""

from __future__ import annotations

import argparse
import sys
import time

from bot.core.errors import SettingsError, UserInputError
from bot.core.names import Profile
from bot.core.phones import parse_phone
from bot.core.settings import load_settings
from bot.core.texts import clean
from bot.store import people
from bot.store.database import open_engine, writing
from bot.store.migrate import upgrade

_USAGE = 'Uso: make pessoa TELEFONE=+5511987654321 NOME="Nome" PERFIL=advogado|cliente'


def main(arguments: list[str] | None = None) -> int:
    """Registers somebody, or changes name and profile of a known number."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("telefone", "nome", "perfil"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args(arguments)
    try:
        registered = _read(options.telefone, options.nome, options.perfil)
        engine = open_engine(load_settings().database_url)
    except (UserInputError, SettingsError) as error:
        print(f"{error}\n{_USAGE}", file=sys.stderr)
        return 2
    upgrade(engine)
    with writing(engine) as connection:
        is_new = people.save(connection, registered, now=time.time())
    done = "Cadastrado" if is_new else "Atualizado"
    print(f"{done}: {registered.name}, {registered.profile.value}, {registered.phone}")
    return 0


def _read(phone: str, name: str, profile: str) -> people.Person:
    name = " ".join(clean(name).split())
    if not 1 <= len(name) <= 200:  # noqa: PLR2004 - the column's width
        raise UserInputError("Falta o NOME (até 200 letras).", field="NOME")
    if profile not in {Profile.CLIENT.value, Profile.LAWYER.value}:
        raise UserInputError("PERFIL deve ser advogado ou cliente.", field="PERFIL")
    number = parse_phone(phone, field="TELEFONE")
    return people.Person(number, name, Profile(profile))


if __name__ == "__main__":
    sys.exit(main())
