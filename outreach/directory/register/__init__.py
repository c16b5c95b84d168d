"""The register: its editions, what each changed, and what people report or correct about it."""
