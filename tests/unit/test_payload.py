"""What each signed webhook body says."""

from __future__ import annotations

import json

import pytest

from bot.core.errors import UserInputError
from bot.core.settings import ROOT
from connectors.payload import MAX_TEXT_CHARS, is_inbound, read_message
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
    "pdf_document": ("document", "contrato_locacao.pdf"),
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
