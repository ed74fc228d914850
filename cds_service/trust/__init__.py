"""Who may call, and as whom: clients, their tokens, their keys, their limits."""
