from dockerflow import FlowSpec, secrets, step


class SecretsInline(FlowSpec):
    """Secrets that stand in the flow itself are variables of their step alone."""

    @secrets(
        sources=[
            {"type": "inline", "id": "one", "options": {"env_vars": {"ORCHARD_KEY": "pear", "ORCHARD_DOOR": ""}}},
            {"type": "inline", "id": "two", "options": {"env_vars": {"ORCHARD_GATE": "é ü"}}},
        ]
    )
    @step
    def start(self):
        import os

        self.seen = [os.environ[name] for name in ("ORCHARD_KEY", "ORCHARD_DOOR", "ORCHARD_GATE")]
        self.next(self.end)

    @step
    def end(self):
        import os

        self.gone = [name for name in ("ORCHARD_KEY", "ORCHARD_DOOR", "ORCHARD_GATE") if name in os.environ]


if __name__ == "__main__":
    SecretsInline()
