"""What lawyers ask for on WhatsApp, between hearings.

What is made in Google, or on this machine while it is not connected, is made after the
turn; every answer says where.
"""
