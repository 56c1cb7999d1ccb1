//! PL06: traces and their maps.

codes! {
    /// A line of a trace is not JSON.
    LINE_JSON = "PL0601", Error, "a line of the trace is not JSON",
        "Every line of a trace is one JSON object. The line was skipped and the next one read as usual; whatever event it \
stood for is missing in its session, so later findings there may follow from it.\n\nLook at the byte that is named; a \
recorder that was killed often leaves half a line at the end.";
    /// A line of a trace is no event.
    LINE_SHAPE = "PL0602", Error, "a line of the trace is no event",
        "An event is an object with the strings `from`, `to` and `label`, and, if they are there, `session` (a string or \
a number), `seq` and `ts` (numbers or strings), `dir` (a string) and `payload` (anything):\n\n    \
{\"session\":\"s1\",\"from\":\"client\",\"to\":\"server\",\"label\":\"hello\",\"payload\":{\"version\":1}}\n\nA local \
action has `from` and `to` alike. The line was skipped.";
    /// A line of a trace has a key twice.
    LINE_TWICE = "PL0603", Error, "a key stands twice in a line of the trace",
        "JSON with a key twice means different things to different readers, so it means nothing here. Outside of the \
payload the line is skipped; inside, the event is refused and its session violates the protocol.";
    /// A line of a trace has text that is no text.
    LINE_TEXT = "PL0604", Error, "a line of the trace has text that is not Unicode",
        "Bytes that are not UTF-8, or an escape such as `\\ud800` that is half of a surrogate pair. Outside of the payload \
the line is skipped; inside, the event is refused and its session violates the protocol.";
    /// A line of a trace is too long.
    LINE_LONG = "PL0605", Error, "a line of the trace is too long",
        "Lines of more than 64 MiB are skipped. A trace has one event per line; is this a file of another kind, or one \
without line ends?";
    /// The sender's type does not allow the send.
    SENDER = "PL0610", Error, "a role sent what its type does not allow here",
        "The sender's local type has no such send (or local action) in the state that it has reached. The report lists \
everything that would have been allowed, each with its line in the specification.";
    /// The receiver's type does not allow the receive.
    RECEIVER = "PL0611", Error, "a role received what its type does not allow here",
        "The sender may send the message, but the receiver's local type does not take it in the state that it has \
reached. If the log shows messages when they are sent, and they may be received later, choose the observer `wire`.";
    /// A role that the protocol does not have.
    ROLE = "PL0612", Error, "an event names a role that the protocol does not have",
        "Roles are matched by name. If the log calls a role otherwise, say so in the map: `[roles]`.";
    /// A label that the protocol does not have.
    LABEL = "PL0613", Error, "an event has a label that the protocol does not have",
        "Labels are matched by name. If the log calls a message otherwise, or has events that are none of the protocol's, \
say so in the map: `[labels.rename]`, `[labels] drop`.";
    /// A message that these roles never exchange.
    MESSAGE = "PL0614", Error, "these roles never exchange this message",
        "The protocol has the label, but not between this sender and this receiver in this direction.";
    /// A payload that does not fit.
    PAYLOAD = "PL0615", Error, "a payload does not fit its sort",
        "The message may come here, but its payload is not what its signature declares. An `int` may be written as a \
number or as a string of digits; a record is closed unless it ends in `...`; a field may be absent only if it is \
written `x?`.";
    /// An event after the end.
    AFTER_END = "PL0616", Error, "an event comes after the end of its session",
        "All roles had ended. If session names are used again in the log, tell the sessions apart in the map: \
`[session]`.";
    /// A side that is neither.
    SIDE = "PL0617", Error, "an event does not say which side of a message it shows",
        "The map has `sides = true`, so each line must have `\"dir\":\"send\"` or `\"dir\":\"receive\"`.";
    /// A receive without its send.
    UNSENT = "PL0618", Error, "a message is received that is not the next one on its way",
        "The receiver may take such a message here, but the oldest message on its way from this sender is another one, or \
there is none: edges are queues.";
    /// A trace that stopped early.
    INCOMPLETE = "PL0620", Note, "the trace of a session stops before its end",
        "Everything seen is allowed, but some role must go on, or a message has not been received yet.";
    /// Too many explanations.
    TOO_MANY = "PL0621", Warning, "too many configurations explain what was seen",
        "The specification leaves open which of several steps an event is, or the observer cannot see when messages are \
received. Up to 8 configurations are followed when everything is seen, 1,024 otherwise; beyond that the verdict is \
`unknown`.";
    /// A map that is not TOML.
    MAP_SYNTAX = "PL0630", Error, "the map is not TOML",
        "A map (`SPEC.toml`) is a TOML file.";
    /// A key that maps do not have.
    MAP_KEY = "PL0631", Error, "the map has an unknown key",
        "The keys are `protocol`, `observer`, `role`, `sides`, `payload`, and the tables `[session]` (`pointer`, `pattern`, \
`key`, `whole`, `join`), `[inject]`, `[fields]`, `[roles]`, `[events]`, `[redact]` (`fields`) and `[labels]` (`drop`, `keep`, \
`local`, `rename`, `derive`).";
    /// A value that a key of a map cannot have.
    MAP_VALUE = "PL0632", Error, "a value in the map is not what its key needs",
        "JSON pointers start with `/`; patterns are regular expressions of the `regex` crate, without look-around.";
    /// The map names a role that is not there.
    MAP_ROLE = "PL0633", Error, "the map names a role that the protocol does not have",
        "The right-hand sides of `[roles]`, the roles of `[events]`, and `role`, are roles of the protocol.";
    /// The map names a label that is not there.
    MAP_LABEL = "PL0634", Error, "the map names a label that the specification does not have",
        "The right-hand sides of `[labels.rename]`, and the keys of `[fields]`, are labels of the specification.";
    /// An event that there is not.
    MAP_EVENT = "PL0635", Error, "the map says an event that there is not",
        "`[events]` gives labels of the log the meaning `crash ROLE` or `timeout ROLE`.";
    /// The map names a field that is not there.
    MAP_FIELD = "PL0636", Error, "the map names a field that the specification does not have",
        "The keys below `[fields.\"label\"]` are payload fields of the messages with this label.";
    /// A trace in the specification came out otherwise.
    DECLARED = "PL0640", Error, "a trace in the specification does not come out as stated",
        "`accepts` wants every event accepted, and with `end;` the session over behind the last; `rejects` wants every \
event but the last accepted and the last refused.";
    /// A condition is false.
    CONDITION = "PL0650", Error, "a message comes when its condition is false", r#"
The message may come here, but a `where`, an `assert` or the condition of a sort that speaks of other names is false. The report says which, and what the names in it held, by the copies of the role that is named.

```
protocol P(role A, role B) { var left: int = 3; A -> B: take(n: int) where n <= left set left = left - n; }
```

`take` with 4 is refused.
"#;
    /// What a witness is required of is false.
    UNWITNESSED = "PL0662", Error, "a message requires a witness of what is false", r#"
The message `requires` a witness of a `def`, which is false for the values that it is asked of, so none can have been issued. The report says what the names in it held. Of an `extern predicate` a trace does not show whether there was a witness: it is taken for true, and listed as assumed.

```
def covered(cost: int, left: int) = cost <= left;
protocol P(role A, role B) { var left: int = 3; A -> B: take(n: int) requires covered(n, left) set left = left - n; }
```

`take` with 4 is refused.
"#;
    /// A condition or a value cannot be computed.
    FAULT = "PL0651", Error, "a condition of a message cannot be decided", r#"
An expression has no value: a name in it holds nothing, a map lacks the key, a number is divided by zero, or a limit is met. What cannot be decided is never taken for true.

```
protocol P(role A, role B) { var price: map<string, int> = {}; A -> B: buy(item: string) where price[item] > 0; }
```

`get(price, item, 0)` has a value whatever the item; `item in price &&` in front asks first.
"#;
    /// An assigned value does not fit.
    UNFIT = "PL0652", Error, "a message would give a variable a value that it cannot have", r#"
What a `set` or a jump assigns does not satisfy the sort of the variable, or an invariant that holds after every step.

```
protocol P(role A, role B) { var left: int{left >= 0} = 3; A -> B: take(n: int) set left = left - n; }
```

`take` with 4 is refused. `where n <= left` says so at the message.
"#;
    /// No instance has this key.
    NO_INSTANCE = "PL0653", Error, "a message names an instance that is not there", r#"
No instance of the family has the key that the message names, and none may begin with this message. Either it was never opened, or it has ended.

```
protocol P(role A, role B) {
  during { A -> B: bye(); } interleave jobs each id: int { A -> B: ask(id: int); B -> A: answer(id: int); }
}
```

Behind `ask` with 1, `answer` with 2 is refused.
"#;
    /// A key was used before.
    KEY_USED = "PL0654", Error, "a message opens an instance under a key that was used before", r#"
Keys of a family are used once, unless they are `reusable`; `rising` keys must be greater than all before.

```
protocol P(role A, role B) {
  during { A -> B: bye(); } interleave jobs each id: int { A -> B: ask(id: int); B -> A: answer(id: int); }
}
```

Behind `ask` and `answer` with 1, another `ask` with 1 is refused. `each id: int reusable` allows it.
"#;
    /// Too early.
    TOO_EARLY = "PL0655", Error, "a message comes before its time", r#"
It is `within [a, b]`, and less than `a` has passed since its sender could send it; or the time limit of a handler has not passed yet.

```
protocol P(role A, role B) { A -> B: start(); A -> B: stop() within [2s, 5s]; }
```

`stop` is refused one second after `start`.
"#;
    /// Too late.
    TOO_LATE = "PL0656", Error, "a message comes after its time", r#"
It is `within` a time that has passed since its sender could send it, and the sender could do something else instead.

```
protocol P(role A, role B) { A -> B: start(); choice at A { A -> B: more() within 5s; } or { A -> B: stop(); } }
```

`more` is refused six seconds after `start`; `stop` is not.
"#;
    /// An obligation lapsed.
    LAPSED = "PL0657", Error, "a role did not do in time what it had to", r#"
All that the role could do by itself had to be done by a time that has passed. This is noticed at the session's first event after it, and at the end of the log only with `--until`. `--slack` allows for clocks that differ.

```
protocol P(role A, role B) { A -> B: ask(); B -> A: answer() within 2s; }
```

`answer` is refused three seconds after `ask`.
"#;
    /// A key comes twice.
    NOT_UNIQUE = "PL0658", Error, "a key comes again that must be unique", r#"
A message under the same `unique by` had this key before.

```
protocol P(role A, role B) { rec X { A -> B: pay(id: string) unique by (id); continue X; } }
```

`for 10m` behind it forgets a key after ten minutes.
"#;
    /// A key comes again with other content.
    OTHER_CONTENT = "PL0659", Error, "a repeated message has other content", r#"
Under `idempotent by`, a message with the key of an earlier one must have the same content: then it is a repetition and changes nothing. Fields that may differ are named by `@except`.

```
@except(sent)
protocol P(role A, role B) { rec X { A -> B: pay(id: string, sum: int, sent: string) idempotent by (id); continue X; } }
```

The same `id` with another `sum` is refused, with another `sent` it is a repetition.
"#;
    /// Too many keys.
    MEMORY_FULL = "PL0660", Warning, "more keys are to be remembered than there is room for",
        "A session remembers at most 1,000,000 keys of `unique by` and `idempotent by`; beyond, nothing can be said, and \
the verdict is `unknown`. `for` says how long a key must be remembered.";
    /// An edge is full.
    FULL = "PL0661", Error, "a message is sent although its edge is full", r#"
The edge is `bounded`, and as many messages are on their way as it holds.

```
protocol P(role A, role B) { channel A -> B: bounded(1); var n: int = 0; A -> B: a() set n = 1; A -> B: b(); B -> A: c(); }
```

Seen on the `wire`, `b` is refused behind `a`: nothing has shown that `a` was received.
"#;
    /// A step failed that may not.
    MAY_NOT_FAIL = "PL0663", Error, "a step failed that does not say that it may be tried again", r#"
The line says that the step failed and will be tried again (`"retry": true`, or what the map names by `retry`). Only of a step with `may retry` that is an event of its own, which moves nothing.

```
protocol P(role A, role B) { A: fetch() may retry; A -> B: done(); }
```

The map's `retry` says where a line tells of it.
"#;
    /// A guard was told to refuse a session.
    QUARANTINED = "PL0670", Error, "a session is in quarantine",
        "A guard refuses every further step of the session: its host said so, or an earlier violation did, in a guard \
that fails closed. Open a new session.";
    /// What must be judged is not shown.
    UNSHOWN = "PL0671", Error, "a guard must judge a payload that it is not shown",
        "There is a condition on the payload of the message, or something of it is used later, so whoever calls the \
guard must show it: as JSON or as values.";
}
