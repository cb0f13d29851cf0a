"""WhatsApp, through Twilio, and the office's own API, to the assistant and back."""
