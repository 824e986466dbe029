from dockerflow import FlowSpec, card, catch, current, step
from dockerflow.cards import Artifact, Error, Image, Markdown, ProgressBar, Table, ValueBox, VegaChart


class Cards(FlowSpec):
    """Cards take what a step puts on them."""

    @card
    @step
    def start(self):
        current.card.append(Markdown("# Report"), id="title")
        current.card.extend([Table([["a", Artifact(1)]], headers=["x", "y"]), Error(ValueError("no"), "oh")])
        bar = ProgressBar(max=5, label="epochs")
        current.card.append(bar, id="bar")
        bar.update(3)
        current.card.append(Image(b"no image"))
        current.card.append(VegaChart({"mark": "bar"}))
        current.card.append(ValueBox("one", 1, theme="success"))
        current.card.refresh()
        self.names = current.card.components.keys()[:1], "bar" in current.card.components.keys()
        self.count = len(list(current.card.components))
        current.card.clear()
        self.cleared = len(list(current.card.components))
        self.next(self.several)

    @card(id="a")
    @card(type="blank", id="b", options={"title": "B"})
    @step
    def several(self):
        current.card["a"].append(Markdown("a"))
        current.card["b"].extend([Markdown("b"), Markdown("c")])
        self.counts = [len(list(current.card[name])) for name in ("a", "b")]
        current.card["b"] = [Markdown("alone")]
        self.after = len(list(current.card["b"]))
        self.of_type = [len(list(each)) for each in current.card.get(type="blank")]
        self.next(self.caught)

    @card(timeout=20, save_errors=False, refresh_interval=2)
    @catch(var="failed")
    @step
    def caught(self):
        current.card.append(Markdown("before"))
        raise ValueError("caught")
        self.next(self.end)

    @step
    def end(self):
        self.has_cards = hasattr(current, "card")


if __name__ == "__main__":
    Cards()
