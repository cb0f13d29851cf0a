"""How another process steers the fake Google: `/_fake/…`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.google_faults import Fault
from tests.fakes.google_oauth import CLIENT_ID

if TYPE_CHECKING:
    from tests.fakes.fake_google import FakeGoogle


@dataclass
class Steering:
    """Routes below `/_fake`."""

    google: FakeGoogle

    def add_to(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_post("/_fake/faults", self.set_faults)
        app.router.add_delete("/_fake/faults", self.set_faults)
        app.router.add_post("/_fake/settings", self.set_settings)
        app.router.add_post("/_fake/grant", self.grant)
        app.router.add_post("/_fake/revoke", self.revoke_account)
        app.router.add_post("/_fake/put", self.put)
        app.router.add_post("/_fake/gate", self.let_go)
        app.router.add_get("/_fake/record", self.show_record)

    async def set_faults(self, request: web.Request) -> web.Response:
        """Answers `POST` and `DELETE /_fake/faults`."""
        if request.method == "DELETE":
            self.google.plan.clear(request.query.get("at", ""))
        else:
            self.google.plan.add(*(Fault(**each) for each in await request.json()))
        return web.json_response(self.google.plan.shown())

    async def set_settings(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/settings`."""
        asked = await request.json()
        places = {
            "clock_ahead_s": self.google,
            "account": self.google.oauth.consent,
            "denies": self.google.oauth.consent,
            "id_token_skew_s": self.google.oauth,
            "conference_status": self.google.calendar,
            "status": self.google.oauth.clients[CLIENT_ID],
            "redirect_uris": self.google.oauth.clients[CLIENT_ID],
        }
        for name, value in asked.items():
            if name == "unticked":
                self.google.oauth.consent.unticked = set(value)
            else:
                setattr(places[name], name, value)
        return web.json_response({"url": self.google.url})

    async def grant(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/grant`: `{"owner", "scopes"}`."""
        asked = await request.json()
        token = self.google.oauth.grant(asked["owner"], set(asked["scopes"]))
        return web.json_response({"refresh_token": token})

    async def revoke_account(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/revoke`: `{"owner"}`."""
        self.google.oauth.revoke_account((await request.json())["owner"])
        return web.json_response({})

    async def put(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/put`: what a person does by hand.

        `{"owner", "event": {}}`, `{"owner", "file": {}}`, `{"owner", "title",
        "rows": []}`, or `{"spreadsheet": id, "requests": [], "cells": [["Página1",
        "B2", "text"]]}`.
        """
        asked = await request.json()
        owner = asked.get("owner", "")
        if "event" in asked:
            made = self.google.calendar.put(
                asked.get("calendar", owner), **asked["event"]
            )
            return web.json_response({"id": made["id"]})
        if "spreadsheet" in asked:
            self.google.sheets.edit(asked["spreadsheet"], *asked.get("requests", ()))
            spreadsheet = self.google.sheets.every[asked["spreadsheet"]]
            for title, spot, text in asked.get("cells", ()):
                spreadsheet[title].write(spot, text)
            return web.json_response({"id": spreadsheet.id})
        if "file" in asked:
            return web.json_response(
                {"id": self.google.drive.put(owner, **asked["file"]).id}
            )
        sheet = self.google.sheets.put(owner, asked["title"], asked["rows"])
        return web.json_response({"id": sheet.id})

    async def let_go(self, _request: web.Request) -> web.Response:
        """Answers `POST /_fake/gate`."""
        self.google.gate.set()
        return web.json_response({})

    async def show_record(self, _request: web.Request) -> web.Response:
        """Answers `GET /_fake/record`."""
        return web.json_response(
            {
                "received": [asdict(each) for each in self.google.received],
                "writes": dict(self.google.writes),
                "mails": [asdict(each) for each in self.google.mails],
                "faults": dict(self.google.plan.made),
                "events": {
                    each.id: each.live for each in self.google.calendar.every.values()
                },
                "files": [each.metadata for each in self.google.drive.files.values()],
                "sheets": {
                    each.id: {sheet.title: sheet.rows for sheet in each.sheets}
                    for each in self.google.sheets.every.values()
                },
            }
        )
