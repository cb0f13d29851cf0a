"""What people name in their messages: days and hours, and other plain facts."""
