//! PL09: constructs that are read, but have no meaning yet.

codes! {
    /// An assertion.
    ASSERT = "PL0907", Warning, "an assertion in front of a loop, call or scope", r#"
An `assert` is a condition on the next event of the role that decides. In front of a message or a choice that is known; in front of a loop, a call, a `par` or `during`, and at the end of a block, it is not built yet. No verdict is given that would depend on it.

```
protocol P(role A, role B) { A -> B: m(x: int); assert x > 0; rec X { B -> A: n(); continue X; } }
```

Until then: state the condition with `where` at the message that comes next.
"#;

    /// A nested protocol that is started.
    CALLS = "PL0929", Warning, "a nested protocol that is started", r#"
`calls` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { nested protocol Q(role X, role Y) { X -> Y: m(); } A calls Q(A, B); }
```

Until then: call the protocol by `do`.
"#;
}
