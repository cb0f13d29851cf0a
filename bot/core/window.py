"""WhatsApp's 24 hours: how long free text may be sent after a person wrote.

Outside of them only approved templates arrive; free text is accepted, billed as a
call and refused later with error 63016
(https://www.twilio.com/docs/whatsapp/key-concepts#the-customer-service-window,
https://www.twilio.com/docs/api/errors/63016).
"""

from __future__ import annotations

WINDOW_S = 24 * 60 * 60
MARGIN_S = 60
"""For the way to WhatsApp, and clocks that differ."""


def is_open(
    last_inbound_at: float | None, closed_at: float | None, *, now: float
) -> bool:
    """Says whether free text sent now still arrives.

    Args:
        last_inbound_at: when the person wrote last, UTC seconds; None for never.
        closed_at: when a message left that Twilio found outside the window, UTC
            seconds; it counts until the person writes again.
        now: UTC seconds.
    """
    if last_inbound_at is None:
        return False
    if closed_at is not None and closed_at >= last_inbound_at:
        return False
    return now < last_inbound_at + WINDOW_S - MARGIN_S
