"""What lawyers ask for on WhatsApp, between hearings.

Stand-ins until Google is connected: what is kept is kept in our own database, and
every answer says so.
"""
