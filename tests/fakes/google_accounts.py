"""The addresses of the fake Google's accounts: consent, tokens, keys, discovery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aiohttp import BasicAuth, web

from tests.fakes.google_discovery import served_document
from tests.fakes.google_faults import unauthorized
from tests.fakes.google_oauth import OAuthProblem
from tests.fakes.google_record import Received

if TYPE_CHECKING:
    from tests.fakes.fake_google import FakeGoogle


@dataclass
class Accounts:
    """Routes of the authorization server."""

    google: FakeGoogle

    def add_to(self, app: web.Application) -> None:
        """Adds the routes."""
        for path in ("/authorize", "/o/oauth2/v2/auth", "/o/oauth2/auth"):
            app.router.add_get(path, self.authorize)
        app.router.add_post("/token", self.give_token)
        app.router.add_post("/revoke", self.revoke)
        app.router.add_get("/oauth2/v1/certs", self.show_certificates)
        app.router.add_get("/oauth2/v2/userinfo", self.show_user)
        document = "/discovery/v1/apis/{api}/{version}/rest"
        app.router.add_get(document, self.show_document)

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Answers the consent screen's address: it redirects at once."""
        record = self.google.record(request, "oauth.authorize", b"")

        def redirect() -> web.Response:
            query = dict(request.query)
            return web.Response(
                status=302, headers={"Location": self.google.oauth.authorize(query)}
            )

        return await self.google.with_faults(
            request, record, lambda: _guarded(record, redirect, as_page=True)
        )

    async def give_token(self, request: web.Request) -> web.StreamResponse:
        """Answers `POST /token`."""
        return await self._take_form(request, "oauth.token", self._give)

    def _give(self, form: dict[str, str], record: Received) -> dict[str, Any]:
        return self.google.oauth.token(form, is_skewed=record.fault == "skew")

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Answers `POST /revoke`."""
        return await self._take_form(request, "oauth.revoke", self._end)

    def _end(self, form: dict[str, str], _record: Received) -> dict[str, Any]:
        self.google.oauth.revoke(form.get("token", ""))
        return {}

    async def _take_form(
        self,
        request: web.Request,
        method: str,
        act: Callable[[dict[str, str], Received], dict[str, Any]],
    ) -> web.StreamResponse:
        content = await request.read()
        record = self.google.record(request, method, content)
        given = parse_qs(content.decode(), keep_blank_values=True)
        form = {**request.query, **_basic(request)}
        form |= {name: each[-1] for name, each in given.items()}
        record.body = form

        def answer() -> web.Response:
            return web.json_response(act(form, record))

        return await self.google.with_faults(
            request, record, lambda: _guarded(record, answer)
        )

    async def show_certificates(self, _request: web.Request) -> web.Response:
        """Answers `GET /oauth2/v1/certs`."""
        return web.json_response(self.google.oauth.certificates())

    async def show_user(self, request: web.Request) -> web.Response:
        """Answers `GET /oauth2/v2/userinfo`."""
        self.google.record(request, "oauth.userinfo", b"")
        token = self.google.oauth.live_token(request.headers.get("Authorization", ""))
        if token is None:
            return unauthorized().answer("oauth")
        email = token.grant.owner
        return web.json_response({"email": email, "verified_email": True})

    async def show_document(self, request: web.Request) -> web.Response:
        """Answers `GET /discovery/v1/apis/{api}/{version}/rest`."""
        return web.json_response(
            served_document(request.match_info["api"], self.google.url)
        )


def _basic(request: web.Request) -> dict[str, str]:
    """Returns the client's name and secret, where they come in a header."""
    header = request.headers.get("Authorization", "")
    if not header.startswith("Basic "):
        return {}
    login = BasicAuth.decode(header)
    return {"client_id": login.login, "client_secret": login.password}


def _guarded(
    record: Received, act: Callable[[], web.Response], *, as_page: bool = False
) -> web.Response:
    try:
        answer = act()
        record.is_accepted = True
    except OAuthProblem as problem:
        if as_page:
            page = f"<p>Error {problem.status}: {problem.error}"
            answer = web.Response(
                status=problem.status, text=page, content_type="text/html"
            )
        else:
            answer = web.json_response(problem.body, status=problem.status)
    record.status = answer.status
    return answer
