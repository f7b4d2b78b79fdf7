"""The webhook: what it is told, how that is signed, and who sends it."""
