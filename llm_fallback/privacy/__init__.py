"""Personal data, hidden before a text leaves and restored when it comes back."""
