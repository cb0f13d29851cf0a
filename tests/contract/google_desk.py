"""Google's own client libraries, pointed at the fake, for tests that need both."""

from __future__ import annotations

import json

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.fakes.fake_google import FakeGoogle
from tests.fakes.google_discovery import VERSIONS
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET, SCOPE

ANA, BRUNO, MARIA = (
    "ana@advocacia.example",
    "bruno@advocacia.example",
    "maria@cliente.example",
)
EVENTS, FREEBUSY, FILES = (
    f"{SCOPE}{name}" for name in ("calendar.events", "calendar.freebusy", "drive.file")
)
ALL = {EVENTS, FREEBUSY, FILES}
SAO_PAULO = "America/Sao_Paulo"


def credentials(google: FakeGoogle, scopes=ALL, owner: str = ANA) -> Credentials:
    return Credentials(
        None,
        refresh_token=google.oauth.grant(owner, set(scopes)),
        token_uri=f"{google.url}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


def service(google: FakeGoogle, api: str, scopes=ALL, owner: str = ANA, given=None):
    """Returns Google's client of an API, as the office's program builds it."""
    http = httplib2.Http(timeout=5)
    http.redirect_codes -= {308}  # what `build_http` does, for resumable uploads
    return build(
        api,
        VERSIONS[api],
        static_discovery=True,
        http=AuthorizedHttp(given or credentials(google, scopes, owner), http=http),
        client_options={"api_endpoint": google.url},
    )


def at(hour: int, day: int = 24, zone: str = SAO_PAULO) -> dict[str, str]:
    return {"dateTime": f"2026-11-{day}T{hour:02d}:00:00", "timeZone": zone}


def consult(hour: int = 15, **more) -> dict:
    return {"summary": "Consulta", "start": at(hour), "end": at(hour + 1), **more}


def refused(request) -> tuple[int, dict]:
    """Returns status and error of a call that Google refuses."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.resp.status, json.loads(caught.value.content)["error"]


def reason(request) -> tuple[int, str]:
    status, error = refused(request)
    return status, error["errors"][0]["reason"]


def new_contacts(sheets) -> str:
    """Returns the id of a spreadsheet with the tab "Contatos de D'Ávila"."""
    tab = {"properties": {"title": "Contatos de D'Ávila", "sheetId": 7}}
    body = {"properties": {"title": "Escritório"}, "sheets": [tab]}
    return sheets.create(body=body).execute()["spreadsheetId"]


TAB = "'Contatos de D''Ávila'"


def append(sheets, sheet_id: str, rows, range_: str = TAB, **more) -> dict:
    options = {"valueInputOption": "RAW", **more}
    return (
        sheets.values()
        .append(spreadsheetId=sheet_id, range=range_, body={"values": rows}, **options)
        .execute()
    )


def read(sheets, sheet_id: str, range_: str = TAB, **more) -> list:
    values = sheets.values().get(spreadsheetId=sheet_id, range=range_, **more)
    return values.execute().get("values", [])
