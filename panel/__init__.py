"""The operators' web panel at /painel; part 1 shows the situation and simulates."""
