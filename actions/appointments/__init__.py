"""Appointments: booked, moved, cancelled, looked up."""
