"""The words for verdicts that people read, and how much they reveal; the one place that decides them."""

from dataclasses import dataclass

_LABELS = {
    "fake": "Likely fake",
    "real": "Likely real",
    "uncertain": "Cannot tell",
    "no_face": "No face found",
}
_NO_SIGN = "No sign of forgery found"
# Parts of the messages of reasons.
_NO_SIGN_MESSAGES = {
    "would be called real": "would show no sign of forgery",
    "would be real": "would show no sign of forgery",
    "are less real": "show more signs of forgery",
    "no clear sign of either a real or a fake face": "too weak signs to say whether the face is fake",
}
CAVEAT = "a statistical estimate, not proof"
_NO_SIGN_CAVEAT = "that no sign of forgery was found does not mean that an image is real"


@dataclass(frozen=True)
class Wording:
    """Text shown to people instead of the plain verdict and its probability.

    It changes texts only: `verdict` and `p_fake` of results, JSON and tables stay as they are.
    docs/newsroom.md describes whom each mode is for.
    """

    words_only: bool = False
    """no probability is shown, only words"""
    never_say_real: bool = False
    """the verdict real is called "no sign of forgery found" """

    @property
    def labels(self) -> dict[str, str]:
        """The label of each verdict, by its name."""
        return _LABELS | ({"real": _NO_SIGN} if self.never_say_real else {})

    @property
    def caveat(self) -> str:
        """What to keep in mind about each verdict."""
        return f"{CAVEAT}; {_NO_SIGN_CAVEAT}" if self.never_say_real else CAVEAT

    def label(self, verdict: str) -> str:
        """Return the words for a verdict."""
        return self.labels[verdict]

    def short(self, verdict: str) -> str:
        """Return two words for a verdict, for boxes in an image and plots."""
        return " ".join(self.label(verdict).lower().split()[:2])

    def score(self, p_fake: float | None, form: str = ".3f") -> str:
        """Format a probability; an empty string if there is none, or none is to be shown."""
        return "" if p_fake is None or self.words_only else format(p_fake, form)

    def tag(self, verdict: str, p_fake: float | None) -> str:
        """Return the short words with the probability, for a box in an image."""
        return f"{self.short(verdict)} {self.score(p_fake, '.2f')}".rstrip()

    def scale(self, real: float, fake: float) -> str:
        """Describe the thresholds; an empty string if no probability is shown."""
        if self.words_only:
            return ""
        low, high, between = map(self.short, ("real", "fake", "uncertain"))
        return f"{low} up to {real:.2f}, {high} from {fake:.2f}, {between} between"

    def message(self, text: str) -> str:
        """Return the message of a reason in these words."""
        if not self.never_say_real:
            return text
        for real, words in _NO_SIGN_MESSAGES.items():
            text = text.replace(real, words)
        return text


PLAIN = Wording()
