//! PL09: constructs that are read, but have no meaning yet.

codes! {
    /// A condition on a message.
    WHERE = "PL0901", Warning, "a condition on a message", r#"
`where` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(x: int) where x > 0; }
```

Until then: leave the condition out to check the rest.
"#;

    /// An assignment.
    SET = "PL0902", Warning, "an assignment", r#"
`set` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { var n: int = 0; A -> B: m() set n = n + 1; }
```

Until then: leave the assignment out to check the rest.
"#;

    /// A session variable.
    VAR = "PL0903", Warning, "a session variable", r#"
`var` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { var n: int = 0; A -> B: m(); }
```

Until then: leave the variable out to check the rest.
"#;

    /// A variable of a loop.
    REC_VAR = "PL0904", Warning, "a variable of a loop", r#"
`rec variable` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { rec X [n<A, B>: int = 0] { A -> B: m(); continue X [n + 1]; } }
```

Until then: leave the variables out to check the rest.
"#;

    /// Values of a jump.
    CONTINUE_ARGS = "PL0905", Warning, "values of a jump", r#"
`continue with values` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { rec X { A -> B: m(); continue X [1]; } }
```

Until then: leave the values out to check the rest.
"#;

    /// A condition on a sort.
    REFINEMENT = "PL0906", Warning, "a condition on a sort", r#"
`refinement` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(x: int{x > 0}); }
```

Until then: write the sort without its braces to check the rest.
"#;

    /// An assertion.
    ASSERT = "PL0907", Warning, "an assertion", r#"
`assert` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(x: int); assert x > 0; B -> A: n(); }
```

Until then: leave the assertion out to check the rest.
"#;

    /// A step that needs a witness.
    REQUIRES = "PL0908", Warning, "a step that needs a witness", r#"
`requires` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m() requires ready; }
```

Until then: leave it out to check the rest.
"#;

    /// A predicate that the host answers.
    EXTERN = "PL0909", Warning, "a predicate that the host answers", r#"
`extern` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
extern predicate ok(int);
protocol P(role A, role B) { A -> B: m(x: int) where ok(x); }
```

Until then: leave the condition out to check the rest.
"#;

    /// A time limit.
    WITHIN = "PL0910", Warning, "a time limit", r#"
`within` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m() within 5s; }
```

Until then: leave the limit out to check the rest.
"#;

    /// A period.
    EVERY = "PL0911", Warning, "a period", r#"
`every` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m() every 30s; }
```

Until then: leave it out to check the rest.
"#;

    /// A message that may come again.
    IDEMPOTENT = "PL0912", Warning, "a message that may come again", r#"
`idempotent` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(id: string) idempotent by (id); }
```

Until then: leave it out to check the rest.
"#;

    /// A key that is used once.
    UNIQUE = "PL0913", Warning, "a key that is used once", r#"
`unique` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(id: string) unique by (id); }
```

Until then: leave it out to check the rest.
"#;

    /// An attempt that may fail.
    RETRY = "PL0914", Warning, "an attempt that may fail", r#"
`may retry` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A: try_it() may retry; A -> B: m(); }
```

Until then: write the attempts as a `rec` loop.
"#;

    /// Parts that run side by side.
    PAR = "PL0915", Warning, "parts that run side by side", r#"
`par` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { par { A -> B: m(); } and { B -> A: n(); } }
```

Until then: write one order of the parts, or a system.
"#;

    /// Rounds between the steps of a main part.
    DURING = "PL0916", Warning, "rounds between the steps of a main part", r#"
`during` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { during { A -> B: m(); } interleave { B -> A: n(); } }
```

Until then: write the rounds where they may happen.
"#;

    /// A scope with handlers.
    TRY = "PL0917", Warning, "a scope with handlers", r#"
`try` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { try { A -> B: m(); } on timeout 5s at B { B -> A: late(); } }
```

Until then: write the handled case as an arm of a choice.
"#;

    /// A scope that may be left.
    INTERRUPTIBLE = "PL0918", Warning, "a scope that may be left", r#"
`interruptible` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { interruptible { A -> B: m(); } with { stop() by B; } }
```

Until then: write the interrupt as an arm of a choice.
"#;

    /// A repetition over a family.
    FOREACH = "PL0919", Warning, "a repetition over a family", r#"
`foreach` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P<const N: int>(role A, role W[N]) { foreach i in 0..N { A -> W[i]: m(); } }
```

Until then: write the roles out.
"#;

    /// A family of roles.
    FAMILY = "PL0920", Warning, "a family of roles", r#"
`role family` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P<const N: int>(role A, role W[N]) { A -> W[0]: m(); }
```

Until then: write the roles out: `role W0, role W1`.
"#;

    /// A number as a parameter.
    CONST = "PL0921", Warning, "a number as a parameter", r#"
`const` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P<const N: int>(role A, role B) { channel A -> B: bounded(N); A -> B: m(); }
```

Until then: write the number.
"#;

    /// A session that is handed over.
    DELEGATION = "PL0922", Warning, "a session that is handed over", r#"
`delegation` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(Q@R); }
```

Until then: write the payload as an opaque sort.
"#;

    /// A payload that changes hands.
    OWN = "PL0923", Warning, "a payload that changes hands", r#"
`own` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(own file: bytes); }
```

Until then: leave the word out to check the rest.
"#;

    /// A payload that must come back.
    LEND = "PL0924", Warning, "a payload that must come back", r#"
`lend` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(lend file: bytes); B -> A: n(); }
```

Until then: leave the word out to check the rest.
"#;

    /// A payload that comes back.
    RETURN = "PL0925", Warning, "a payload that comes back", r#"
`return` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(file: bytes); B -> A: n(return file); }
```

Until then: write the payload as an ordinary field.
"#;

    /// A connection that is made.
    CONNECT = "PL0926", Warning, "a connection that is made", r#"
`connect` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
explicit global protocol P(role A, role B) { m() connect A to B; disconnect A and B; }
```

Until then: write a message in its place.
"#;

    /// A connection that is closed.
    DISCONNECT = "PL0927", Warning, "a connection that is closed", r#"
`disconnect` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(); disconnect A and B; }
```

Until then: leave it out to check the rest.
"#;

    /// A connection that is wrapped.
    WRAP = "PL0928", Warning, "a connection that is wrapped", r#"
`wrap` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { wrap A to B; A -> B: m(); }
```

Until then: leave it out to check the rest.
"#;

    /// A nested protocol that is started.
    CALLS = "PL0929", Warning, "a nested protocol that is started", r#"
`calls` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { nested protocol Q(role X, role Y) { X -> Y: m(); } A calls Q(A, B); }
```

Until then: call the protocol by `do`.
"#;

    /// Roles that are created.
    NEW = "PL0930", Warning, "roles that are created", r#"
`new` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A; new role B) { A -> B: m(); }
```

Until then: declare the roles with the others.
"#;

    /// A protocol with explicit connections.
    EXPLICIT = "PL0931", Warning, "a protocol with explicit connections", r#"
`explicit` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
explicit global protocol P(role A, role B) { m() from A to B; }
```

Until then: leave the word out to check the rest.
"#;

    /// A role that may crash.
    UNRELIABLE = "PL0932", Warning, "a role that may crash", r#"
`unreliable` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, unreliable role B) { A -> B: m(); }
```

Until then: leave the word out to check the case without crashes.
"#;

    /// A channel that may drop.
    LOSSY = "PL0933", Warning, "a channel that may drop", r#"
`lossy` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { channel A -> B: lossy; A -> B: m(); }
```

Until then: write the loss as a choice.
"#;

    /// A channel that keeps the latest.
    LATEST = "PL0934", Warning, "a channel that keeps the latest", r#"
`latest` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { channel A -> B: latest; A -> B: m(); }
```

Until then: use `fifo` to check the rest.
"#;

    /// A label that stands for many.
    WILDCARD = "PL0935", Warning, "a label that stands for many", r#"
`label pattern` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: `x-vendor.*`(); }
```

Until then: write the labels out.
"#;

    /// A role that sends ahead.
    PIPELINED = "PL0936", Warning, "a role that sends ahead", r#"
`@pipelined` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
@pipelined(A) protocol P(role A, role B) { A -> B: m(); B -> A: n(); }
```

Until then: leave the attribute out to check the rest.
"#;

    /// Fields that are left out of a comparison.
    EXCEPT = "PL0937", Warning, "fields that are left out of a comparison", r#"
`@except` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
@except(ts) protocol P(role A, role B) { A -> B: m(ts: int); }
```

Until then: leave the attribute out to check the rest.
"#;

    /// A field that tells rounds apart.
    EPOCH = "PL0938", Warning, "a field that tells rounds apart", r#"
`@epoch` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
@epoch(n) protocol P(role A, role B) { A -> B: m(n: int); }
```

Until then: leave the attribute out to check the rest.
"#;

    /// The time of an event.
    TRACE_TIME = "PL0939", Warning, "the time of an event", r#"
`at` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(); }
trace t accepts P { A -> B: m() at 5s; }
```

Until then: leave the times out.
"#;

    /// How late an event may be.
    SLACK = "PL0940", Warning, "how late an event may be", r#"
`slack` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(); }
trace t accepts P slack 1s { A -> B: m(); }
```

Until then: leave it out.
"#;

    /// A crash or timeout in a trace.
    TRACE_EVENT = "PL0941", Warning, "a crash or timeout in a trace", r#"
`crash or timeout` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(); }
trace t accepts P { crash A; }
```

Until then: leave the event out.
"#;

    /// A payload of a trace that is computed.
    TRACE_VALUE = "PL0942", Warning, "a payload of a trace that is computed", r#"
`computed value` is read and printed, but its meaning is not built yet. No verdict is given that would depend on it, and nothing is silently left out.

```
protocol P(role A, role B) { A -> B: m(x: int); }
trace t accepts P { A -> B: m(1 + 1); }
```

Until then: write the value.
"#;
}
