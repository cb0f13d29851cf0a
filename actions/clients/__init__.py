"""What clients ask for besides appointments."""
