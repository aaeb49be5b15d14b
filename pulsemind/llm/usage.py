"""What requests cost, how long they took and what went wrong: figures only, never content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, Field


class Usage(BaseModel):
    """What requests cost, summed up. Answers from the cache count with what they once cost, so
    that a resumed run reports the same sums; `cached` says how many cost nothing this time. Equal
    requests count one by one, though only the first is asked."""

    requests: int = 0
    cached: int = 0
    unreported: int = 0
    """Requests whose server stated no tokens."""
    tokens_in: int = 0
    tokens_out: int = 0
    in_flight: int = 0
    """Requests at a server now."""
    paid: float = 0.0
    """Money of this run's answers, by the endpoints' prices."""
    errors: Counter[str] = Field(default_factory=Counter)
    """Attempts of this run that failed, by kind: a status, `timeout`, `connection`, `garbled`,
    `rejected`."""
    seconds: list[float] = Field(default_factory=list)
    """Time to answer of each answered attempt of this run."""

    def add(self, tokens: Sequence[int] | None) -> None:
        """One more answered request and its (tokens in, tokens out), if stated."""
        self.requests += 1
        if tokens is None:
            self.unreported += 1
        else:
            self.tokens_in += tokens[0]
            self.tokens_out += tokens[1]

    def count(self, more: Usage) -> None:
        """Add what other requests cost."""
        self.requests += more.requests
        self.cached += more.cached
        self.unreported += more.unreported
        self.tokens_in += more.tokens_in
        self.tokens_out += more.tokens_out
        self.paid += more.paid
        self.errors += more.errors
        self.seconds += more.seconds

    def asked_before(self, earlier: Usage) -> None:
        """Count what an earlier pass over these requests asked and paid as this one's: the answers
        that it left are in this one's `cached`."""
        self.cached -= len(earlier.seconds)
        self.paid += earlier.paid
        self.errors += earlier.errors
        self.seconds += earlier.seconds

    def metrics(self) -> dict[str, float]:
        """Flat figures for a tracker; latencies only where this run has asked."""
        figures: dict[str, float] = {
            "requests": self.requests,
            "cached": self.cached,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "paid": self.paid,
            "errors": self.errors.total(),
        }
        figures |= {f"errors.{kind}": count for kind, count in self.errors.items()}
        if self.seconds:
            shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
            values = np.quantile(self.seconds, list(shares.values()))
            figures |= {f"seconds.{k}": float(v) for k, v in zip(shares, values, strict=True)}
        return figures

    def line(self) -> str:
        """The end of a progress bar: what came from the cache, latency, errors by kind."""
        figures = self.metrics()
        said = [f"cached={self.cached}"]
        if self.seconds:
            said += [f"{p}={figures[f'seconds.{p}']:.2f}s" for p in ("p50", "p99")]
        said += [f"{count}x {kind}" for kind, count in sorted(self.errors.items())]
        return ", ".join(said)
