"""What each signed webhook body says."""

from __future__ import annotations

import json

import pytest

from bot.core.errors import UserInputError
from bot.core.settings import ROOT
from bot.store.inbox import Attachment
from connectors.payload import (
    MAX_TEXT_CHARS,
    Tap,
    is_cut,
    is_forwarded,
    is_inbound,
    place_of,
    quoted_sid,
    read_message,
    tap_of,
)
from connectors.signature import parse_form

CASES = json.loads((ROOT / "tests/data/twilio_webhooks.json").read_text("utf-8"))[
    "cases"
]
MESSAGES = {
    "text": ("text", "Olá! Preciso de ajuda com divórcio 😟"),
    "text_quoted_reply": ("text", "sim, esse mesmo"),
    "voice_note": ("audio", ""),
    "image_with_caption": ("image", "meu RG"),
    "image_no_caption": ("image", ""),
    "pdf_document": ("document", ""),
    "contact_vcard": ("contact", ""),
    "location": ("location", ""),
    "quick_reply_session": ("text", "Agendar consulta"),
    "quick_reply_template": ("text", "Confirmar"),
    "list_reply": ("text", "Direito de família"),
    "forwarded": ("text", "Você ganhou um prêmio, clique..."),
    "bsuid_only_sender": ("text", "Oi"),
    "br_number_without_ninth_digit": ("text", "Oi de novo"),
}
STATUSES = sorted(set(CASES) - set(MESSAGES))


def form_of(name: str, **changes: str | None) -> dict[str, str]:
    form = {**dict(parse_form(CASES[name]["body"].encode())), **changes}
    return {field: value for field, value in form.items() if value is not None}


class TestFixtures:
    @pytest.mark.parametrize(("name", "kind_and_text"), MESSAGES.items())
    def test_message_has_its_kind_and_text(self, name, kind_and_text):
        message = read_message(form_of(name))

        assert (message.kind, message.text) == kind_and_text

    @pytest.mark.parametrize("name", MESSAGES)
    def test_message_names_both_sides_and_keeps_every_field(self, name):
        form = form_of(name)

        message = read_message(form)

        assert message.source == "whatsapp"
        assert message.address == form["From"]
        assert message.recipient == "whatsapp:+551140042233"
        assert message.message_sid == form["MessageSid"]
        assert message.account_sid == "AC" + "a" * 32
        assert message.payload == form

    def test_address_without_ninth_digit_is_not_rewritten(self):
        message = read_message(form_of("br_number_without_ninth_digit"))

        assert message.address == "whatsapp:+551187654321"

    @pytest.mark.parametrize("name", MESSAGES)
    def test_message_is_inbound(self, name):
        assert is_inbound(form_of(name))

    @pytest.mark.parametrize("name", STATUSES)
    def test_status_callback_is_not_inbound(self, name):
        assert not is_inbound(form_of(name))


class TestReading:
    @pytest.mark.parametrize("field", ["MessageSid", "AccountSid", "From", "To"])
    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_message_without_a_field_that_all_have_is_refused(self, field, value):
        with pytest.raises(UserInputError) as caught:
            read_message(form_of("text", **{field: value}))

        assert caught.value.field == field
        assert str(caught.value) == f"Falta o campo {field}."

    @pytest.mark.parametrize(
        "field", ["ProfileName", "WaId", "MessageType", "NumMedia"]
    )
    def test_message_without_a_field_that_some_lack_is_read(self, field):
        message = read_message(form_of("text", **{field: None}))

        assert (message.kind, message.text) == MESSAGES["text"]

    @pytest.mark.parametrize(
        ("content_type", "kind"),
        [
            ("audio/ogg; codecs=opus", "audio"),
            ("AUDIO/AMR", "audio"),
            ("video/mp4", "video"),
            ("image/jpeg", "image"),
            ("image/webp", "sticker"),
            ("text/x-vcard", "contact"),
            ("application/vnd.ms-excel", "document"),
            ("text/plain", "document"),
            ("", "document"),
            ("what is this", "document"),
        ],
    )
    def test_kind_of_a_file_follows_its_content_type(self, content_type, kind):
        form = form_of("voice_note", MessageType=None, MediaContentType0=content_type)

        assert read_message(form).kind == kind

    def test_text_of_a_button_stands_in_for_a_blank_body(self):
        form = form_of("quick_reply_template", Body="")

        assert read_message(form).text == "Confirmar"

    def test_title_of_a_list_item_stands_in_for_a_blank_body(self):
        form = form_of("list_reply", Body="")

        assert read_message(form).text == "Direito de família"

    def test_place_at_zero_zero_is_a_place(self):
        form = form_of("location", Latitude="0", Longitude="0.0")

        assert read_message(form).kind == "location"

    def test_very_long_text_is_cut(self):
        assert (
            len(read_message(form_of("text", Body="x" * 9000)).text) == MAX_TEXT_CHARS
        )

    def test_characters_that_no_database_keeps_are_dropped(self):
        form = form_of("text", Body="oi\x00 doutor", ProfileName="Ana\x00\x1b")

        message = read_message(form)

        assert (message.text, message.display_name) == ("oi doutor", "Ana")


class TestAttachments:
    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"NumMedia": "0"}, ()),
            ({"NumMedia": "1", "MediaUrl0": "https://a/0"}, ("https://a/0",)),
            ({"NumMedia": None, "MediaUrl0": "https://a/0"}, ("https://a/0",)),
            ({"NumMedia": "x", "MediaUrl0": "https://a/0"}, ("https://a/0",)),
            (
                {
                    "NumMedia": "2",
                    "MediaUrl0": "https://a/0",
                    "MediaUrl1": "https://a/1",
                },
                ("https://a/0", "https://a/1"),
            ),
            ({"NumMedia": "9999", "MediaUrl0": "https://a/0"}, ("https://a/0",)),
        ],
        ids=["none", "one", "uncounted", "miscounted", "two", "overcounted"],
    )
    def test_each_file_has_its_address(self, changes, found):
        message = read_message(form_of("text", **changes))

        assert tuple(each.url for each in message.attachments) == found

    def test_declared_type_has_no_parameters(self):
        message = read_message(
            form_of("voice_note", MediaContentType0="Audio/OGG; codecs=opus")
        )

        assert message.attachments[0].declared_type == "audio/ogg"
        assert isinstance(message.attachments[0], Attachment)

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            ("petição inicial (v2).PDF", ""),
            ("foto.jpeg", ""),
            ("segue o contrato.", "segue o contrato."),
            ("veja\ncontrato.pdf", "veja\ncontrato.pdf"),
        ],
    )
    def test_name_of_a_file_is_no_caption(self, body, text):
        assert read_message(form_of("pdf_document", Body=body)).text == text

    def test_name_of_a_file_in_a_message_without_one_is_text(self):
        assert read_message(form_of("text", Body="contrato.pdf")).text == "contrato.pdf"


class TestWhatElseAMessageSays:
    def test_button_and_list_are_taps(self):
        assert tap_of(form_of("quick_reply_session")) == Tap(
            form_of("quick_reply_session")["ButtonPayload"], "Agendar consulta"
        )
        row = form_of("list_reply")
        assert tap_of(row) == Tap(row["ListId"], row["ListTitle"])
        assert tap_of(form_of("text")) is None

    def test_quote_and_forward_are_told(self):
        assert quoted_sid(form_of("text_quoted_reply")) == "MM" + "9" * 32
        assert quoted_sid(form_of("text")) == ""
        assert is_forwarded(form_of("forwarded"))
        assert is_forwarded(form_of("text", FrequentlyForwarded="true"))
        assert not is_forwarded(form_of("text", Forwarded="false"))

    @pytest.mark.parametrize(
        ("latitude", "longitude", "place"),
        [
            ("-23.5505", "-46.6333", (-23.5505, -46.6333)),
            ("0", "0", (0.0, 0.0)),
            ("90.1", "0", None),
            ("0", "-181", None),
            ("nan", "0", None),
            ("", "", None),
            ("aqui", "ali", None),
        ],
    )
    def test_places_on_earth_alone_are_places(self, latitude, longitude, place):
        form = form_of("location", Latitude=latitude, Longitude=longitude)

        assert place_of(form) == place
        assert read_message(form).kind == ("location" if place else "text")

    @pytest.mark.parametrize(("length", "is_so"), [(1599, False), (1600, True)])
    def test_text_at_twilios_limit_may_be_cut(self, length, is_so):
        assert is_cut(form_of("text", Body="a" * length)) is is_so

    @pytest.mark.parametrize("known", ["BR.1A2b", "whatsapp:BR.1A2b"])
    def test_business_scoped_id_is_written_as_an_address(self, known):
        message = read_message(form_of("text", ExternalUserId=known))

        assert message.external_id == "whatsapp:BR.1A2b"
        assert read_message(form_of("text")).external_id == ""
