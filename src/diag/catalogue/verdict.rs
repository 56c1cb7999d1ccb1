//! PL05: verdicts about protocols and systems.

codes! {
    /// A claim names a check that does not exist.
    UNKNOWN_CHECK = "PL0501", Error, "unknown check", "\
A claim names a check that this tool does not know.

```
check saef(PingPong);        // wrong: there is no check `saef`
check safe(PingPong);        // right
```

| check | what it says |
|---|---|
| `projectable` | every role has a local type |
| `implementable` | some local types do what the protocol says |
| `safe` | no unspecified reception, no orphan, no deadlock |
| `deadlock_free` | no deadlock |
| `terminating`, `fair_terminating` | every run ends well; every fair run does |
| `never_terminating` | no run ends |
| `bounded` | no queue grows without bound |
| `live` | who waits can be served, from wherever a run comes |
| `live_plus` | and some role can bring it about by its own choices |
| `live_plus_plus` | and it comes about on every run |
| `fair_live` | it comes about on every run on which everything happens that can happen again and again |
| `communication_safe` | nobody is sent something else than it takes from the one it waits for |
| `kmc` | k-multiparty compatible, and so safe whatever the queues hold |

A bound goes behind a comma: `check live_plus(P, 0);` is about messages that are one step of both roles.";

    /// A claim is about something that the check says nothing about.
    WRONG_TARGET = "PL0502", Error, "check about the wrong thing", "\
A property is about the runs of all roles together, so it is claimed of a protocol or a system, not of one role or \
one local type; and only a protocol can be projected, because a system has no global type behind it.

```
check safe(Shop@Buyer);      // wrong: one role alone neither runs nor deadlocks
check safe(Shop);            // right
check projectable(PingPong); // wrong if `PingPong` is a system
```";

    /// A check that is known by name and not built yet.
    CHECK_NOT_SUPPORTED = "PL0503", Note, "check not supported yet", "\
The check is part of the language and is parsed, but this version cannot answer it: the verdict is `unknown`.";

    /// A claim about a protocol with parameters that have no values.
    GENERIC = "PL0504", Note, "check of a generic protocol", "\
The protocol has parameters without values, so it stands for many protocols, and a verdict about all of them cannot be \
given yet. A protocol that instantiates it with `do` can be checked.

```
aux protocol Pair<type T>(role A, role B) { A -> B: give(T); }
protocol Main(role A, role B) { do Pair<int>(A, B); }
check safe(Main);
```";

    /// A configuration in which nothing can happen.
    DEADLOCK = "PL0510", Error, "deadlock", "\
A run leads to a configuration in which no event is enabled, although some role may not stop there.

```
system Stuck(role P, role Q) { P = Q?a(). end; Q = P?b(). end; }
```

Both wait for the other. The counterexample is a shortest run; its causal cone are the events that put the waiting \
roles where they are. A configuration in which some send only lacks room at the exploration's bound is no deadlock; a \
declared `bounded(n)` is a real bound.";

    /// A message that is never received.
    ORPHAN = "PL0511", Error, "orphan message", "\
A run leaves a message in a queue whose receiver has ended: it will never be received.

```
system Lost(role P, role Q) { P = Q!a(). Q!b(). end; Q = P?a(). end; }
```";

    /// A role is sent something that it does not take.
    UNSPECIFIED_RECEPTION = "PL0512", Error, "unspecified reception", "\
A run leads to a configuration in which a role can do nothing but receive, and each of the edges it waits on begins \
with a message that it does not take there.

```
system Wrong(role P, role Q) { P = Q!a(). end; Q = P?b(). end; }
```

On a `sync` edge nothing is queued; there a partner that can only send, and nothing that is taken, counts the same.";

    /// A role or a message that waits for ever.
    STARVATION = "PL0513", Error, "starvation", "\
A run leads to a configuration from which a waiting role can never be served again, or a queued message never be \
received, whatever happens. Others may well go on: the counterexample then goes round and round without them.

```
protocol Starved(role A, role B, role C) {
  choice at A { A -> B: go(); A -> C: go(); }
  or { rec X { A -> B: more(); continue X; } }
}
```";

    /// A run that does not end.
    ENDLESS = "PL0514", Error, "endless run", "\
`terminating` was claimed, but some run goes on for ever. The counterexample says where it begins to repeat itself.";

    /// A queue that grows without bound.
    UNBOUNDED = "PL0515", Error, "unbounded queue", "\
A run comes back to the same states of all roles with queues that only grew, and the loop between can be run again \
and again: the queue grows without bound.

```
system Flood(role P, role Q) { P = rec X. Q!a(). X; Q = P?a(). end; }
```

An answer now and then, a `channel P -> Q: bounded(8);` or a slower producer mends it.";

    /// A queue holds more than was claimed.
    OVERFLOW = "PL0516", Error, "queue longer than claimed", "\
`bounded(P, k)` was claimed, but some run puts more than `k` messages on an edge.";

    /// A protocol without local types.
    NOT_PROJECTABLE = "PL0517", Error, "not projectable", "\
Some role has no local type: what it should do depends on a choice that it cannot see. The diagnostics PL04xx say \
which role, which arms, and the message that would mend it.";

    /// A run that ends where it may not.
    STUCK = "PL0518", Error, "run ends too early", "\
`terminating` was claimed, but some run ends in a configuration that is not final: a role waits, or a message is left \
in a queue.";

    /// A step that never happens.
    NEVER = "PL0519", Warning, "a step that never happens", r#"
The conditions of the step, with the sorts of what they speak of, exclude each other: no values satisfy them all.

```
protocol P(role A, role B) { A -> B: m(x: int) where x > 3 && x < 2; }
```

Mend the conditions, or leave the step out.
"#;

    /// One event that can be two steps.
    OVERLAP = "PL0520", Note, "one event that can be two steps", r#"
The same label between the same roles stands in two places, and some values satisfy the conditions of both. A monitor follows each of them, at most eight at once.

```
protocol P(role A, role B) {
  choice at A { A -> B: m(x: int) where x > 0; A -> B: big(); }
  or          { A -> B: m(x: int) where x < 9; A -> B: small(); }
}
```

Conditions that exclude each other are easier to read and to check.
"#;

    /// A role that may be left with nothing it may send.
    MAY_BE_STUCK = "PL0521", Note, "a role that may be left with nothing it may send", r#"
Said where a claim is about runs: in some state a role can only send, and there are values, allowed by the sorts of the variables, for which the conditions of everything that it could send are false. Perhaps no run reaches them: then an invariant in the sort of a variable says so (`var left: int{left >= 0} = 3;`).

```
protocol P(role A, role B) { var n: int = 0; A -> B: m() where n == 1; }
check safe(P);
```

Until that is known, `safe`, `deadlock_free`, `live` and `terminating` are not answered with "holds".
"#;

    /// An assignment that may break the sort of its variable.
    MAY_BREAK = "PL0522", Note, "an assignment that may break the sort of its variable", r#"
For some values, allowed by the sorts of the variables and the conditions of the step, the new value does not satisfy the condition in the variable's sort. Such an event is refused when it happens; whether a run can come to it is not decided.

```
protocol P(role A, role B) { var n: int{n >= 0} = 3; A -> B: take(k: int) set n = n - k; }
```

Add the condition under which it cannot happen (`where k <= n`).
"#;

    /// An index that may be out of range.
    OUT_OF_RANGE = "PL0523", Note, "an index that may be out of range", r#"
For some values, allowed by the sorts and by the other conditions of the step, a list has no element at the index, or a map that is written out not that key. What cannot be computed is not true, and an event whose assignments cannot be computed is refused; whether a run can come to it is not decided.

```
protocol P(role A, role B) { var xs: list<int> = [1, 2]; A -> B: take(i: uint) where xs[i] > 0; }
```

Add the condition under which it cannot happen (`where i < size(xs) && xs[i] > 0`).
"#;

    /// k-multiparty compatibility fails.
    NOT_COMPATIBLE = "PL0524", Error, "not k-multiparty compatible", r#"
`kmc` was claimed: with queues of some length k everybody who waits can be served and everything under way received (k-safe), and whoever wants to send can get room without doing anything else (k-exhaustive). Then longer queues change nothing, and the system is safe under every bound (Lange and Yoshida, CAV 2019). Where a state speaks with several peers, it must be able to send all or nothing (k-OBI), and which message it receives first may not be left to chance (k-CIBI).

```
system Flood(role P, role Q) { P = rec X. Q!a(). Q!a(). Q?b(). X; Q = rec X. P!b(). P?a(). X; }
check kmc(Flood);
```

An answer now and then, or a receiver that does not wait for others first, mends it. `kmc(P, k)` asks for one k, `kmc(P)` for any: it is violated if no k will do, which says that the theorem does not speak for the system, not that it goes wrong.
"#;

    /// Somebody may never be served.
    UNSERVED = "PL0525", Error, "somebody may never be served", r#"
`live_plus`, `live_plus_plus` or `fair_live` was claimed, but from some configuration on a run goes by without ever serving somebody who waits there: the counterexample shows it, and goes round and round. For `live_plus_plus` any run counts; for `live_plus` nobody, by its own choices, can make sure that it is served; for `fair_live` it is a run on which everything happens that can happen again and again.

```
system Ask(role P, role Q, role R) {
  P = rec X. +{ Q!more(). X, Q!done(). end };
  Q = rec X. P?{ more(). X, done(). R!at_last(). end };
  R = Q?at_last(). end;
}
check live(Ask, 0);
check live_plus(Ask, 0) is violated;
check fair_live(Ask, 0);
```

Let those who go round tell whoever waits, in each turn or before the first; let the one who waits end without being served; or claim less: `live` asks only that everybody can still be served.
"#;

    /// A run that ends.
    ENDS = "PL0526", Error, "a run that ends", r#"
`never_terminating` was claimed, but some run comes to a configuration in which nothing can happen: the counterexample leads there.

```
system Serve(role C, role S) {
  C = rec X. +{ S!ask(). S?answer(). X, S!bye(). end };
  S = rec X. C?{ ask(). C!answer(). X, bye(). end };
}
check never_terminating(Serve);
```

Take out the message after which it ends, or let the role go round after it; if ending is meant, claim `live` or `deadlock_free` instead.
"#;

    /// A label in a scope and behind it.
    CLASH = "PL0527", Warning, "a label that may be from a scope that was left", r#"
When a handler of a `try` is entered, messages of the body may still be on their way; whoever gets one discards it, up to the sender's first message from beyond the scope. If that one can have the same label, the receiver cannot know which it has got.

```
protocol P(role A, role B) {
  rec Again {
    try { A -> B: ask(); B -> A: answer(); }
    on timeout 5s at A { }
    continue Again;
  }
}
```

Here an `answer` that comes late is taken for the answer to the next `ask`. Give the messages different labels, or a number that says from which round they are: `@epoch(n) protocol P …` with a field `n: int` in both.
"#;

    /// A local type that cannot stand wherever another is expected.
    NOT_SUBTYPE = "PL0540", Error, "not a subtype", "\
`S <: T` says that `S` can stand wherever `T` is expected: nobody who talks to it can go wrong because of that. `S` may \
select less and must accept more; and as messages travel through queues, `S` may also send earlier than `T` does, over \
anything that `T` receives first and over what it sends to others, and receive earlier over what `T` receives from \
others.

```
local type Early at Self = Q!done(). P?work(). end;
local type Plain at Self = P?work(). Q!done(). end;
check Early <: Plain;                    // holds: a message may be sent ahead
check Plain <: Early is violated;        // Q may have to answer before P sends `work`
```

The two words show what the smaller type does and what the larger makes of it, until something goes wrong: the smaller \
sends what the larger never would, or does not take what the larger takes, or waits before it has sent what the larger \
sends first, or one ends and the other does not. With a cycle, both go on for ever and something that is pending is \
never matched: nobody may be left waiting. `<: sync` allows none of the reordering.";
}
