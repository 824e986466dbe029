from dockerflow import Config, FlowSpec, step


class RejectsConfigMissing(FlowSpec):
    settings = Config("settings", required=True)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsConfigMissing()
