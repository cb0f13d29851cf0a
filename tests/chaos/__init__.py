"""The whole product under SIGKILL, faults and duplicates, and a judge of it."""
