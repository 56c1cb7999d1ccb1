//! PL03: sorts, expressions, and what is known where.

codes! {
    /// A sort that is not declared.
    UNDECLARED = "PL0301", Note, "a sort that is not declared", r#"
A sort that is neither built in nor declared is opaque: it is equal only to itself, and any value fits. Scribble files name Java classes so.

```
protocol P(role A, role B) { A -> B: m(x: Thing); }
```

If that is meant, nothing need be done. Else declare it (`type Thing = { id: string };`) or mend its name.
"#;

    /// A type that stands for itself.
    RECURSIVE_TYPE = "PL0302", Error, "a type that stands for itself", r#"
Types are abbreviations, and one that mentions itself could never be written out.

```
type Tree = { left: Tree, right: Tree };
```

Let the inner one be `json`, or an opaque sort.
"#;

    /// A sort with the wrong number of arguments.
    SORT_ARGUMENTS = "PL0303", Error, "a sort with the wrong number of arguments", r#"
`list`, `set`, `option` and `secret` take one sort, `map` two, the other built-in sorts none; a declared type takes one for each parameter.

```
protocol P(role A, role B) { A -> B: m(x: map<string>); }
```

Write `map<string, int>`.
"#;

    /// A field that stands twice.
    DUPLICATE_FIELD = "PL0304", Error, "a field that stands twice", r#"
Fields of a payload or record, and values of an enum, are told apart by their names.

```
protocol P(role A, role B) { A -> B: m(x: int, x: string); }
```

Rename one of them.
"#;

    /// The fields of something that has none.
    NOT_A_RECORD = "PL0305", Error, "the fields of something that has none", r#"
`...Env` includes the fields of a record type.

```
type Env = int;
protocol P(role A, role B) { A -> B: m(x: int, ...Env); }
```

Name a record type, or write `...` alone to allow any further fields.
"#;

    /// One label with different payloads.
    PAYLOADS_DIFFER = "PL0306", Note, "one label with different payloads", r#"
The same label travels between the same two roles with payloads of different sorts. The two are different messages; who receives one of them does not take the other.

```
protocol P(role A, role B) { A -> B: m(x: int); A -> B: m(x: string); }
```

If one of them is a mistake, mend it. If both are meant, different labels are easier to read.
"#;

    /// A sort that is too large when it is written out.
    TOO_LARGE = "PL0307", Error, "a sort that is too large when it is written out", r#"
Types are written out where they are used. A type that mentions another one twice, which mentions another one twice, and so on, doubles with every step; a limit stops that.

```
type A = { x: B, y: B };
type B = { x: C, y: C };
```

and so on for 20 types. Use `json` for the inner parts.
"#;

    /// A type with the name of a built-in one.
    BUILTIN = "PL0308", Error, "a type with the name of a built-in one", r#"
```
type int = string;
```

Give the type another name.
"#;

    /// A payload with named and unnamed fields.
    MIXED_FIELDS = "PL0309", Error, "a payload with named and unnamed fields", r#"
In a trace the fields of a payload are all named, which makes a JSON object, or none is, which makes an array.

```
protocol P(role A, role B) { A -> B: m(x: int, y: int); }
trace t accepts P { A -> B: m(x: 1, 2); }
```

Name all of them, or none.
"#;

    /// A name that an expression does not know.
    UNKNOWN_NAME = "PL0310", Error, "a name that an expression does not know", r#"
An expression speaks of fields that were received or sent before, of variables, of `now`, and of the variables of `all`, `exists`, `filter` and `map`. The condition of a sort speaks of `this`. A `def` speaks of its parameters alone.

```
type Price = int{thus > 0};
protocol P(role A, role B) { A -> B: m(x: Price); }
```

Mend the name, or give the `def` a parameter.
"#;

    /// An expression of the wrong sort.
    WRONG_SORT = "PL0311", Error, "an expression of the wrong sort", r#"
What is known of the sorts says that this can never be what is wanted here. Values of `json` and of opaque sorts are judged when they are there.

```
protocol P(role A, role B) { A -> B: m(x: int{this + 1}); }
```

A condition is of sort `bool`. `int(x)`, `decimal(x)` and `string(x)` convert.
"#;

    /// An operator that is not for these sorts.
    OPERANDS = "PL0312", Error, "an operator that is not for these sorts", r#"
```
protocol P(role A, role B) { A -> B: m(x: string{this - 1 > 0}); }
```

`+ - * /` are for numbers, `%` for integers, `+` also for two strings, lists or bytes; timestamps and durations can be added and subtracted, durations multiplied. Sets and maps have `add`, `remove` and `put`.
"#;

    /// A field that the record does not have.
    NO_FIELD = "PL0313", Error, "a field that the record does not have", r#"
```
protocol P(role A, role B) { A -> B: m(x: { price: int }{this.prize > 0}); }
```

Mend the name, declare the field, or end the record with `...` to allow further ones.
"#;

    /// A value that the enum does not have.
    NOT_IN_ENUM = "PL0314", Error, "a value that the enum does not have", r#"
```
protocol P(role A, role B) { A -> B: m(x: enum { open, closed }{this != "opne"}); }
```

The values of an enum are written as strings in expressions.
"#;

    /// A function that does not exist.
    UNKNOWN_FUNCTION = "PL0315", Error, "a function that does not exist", r#"
```
protocol P(role A, role B) { A -> B: m(x: string{length(this) > 8}); }
```

Built in are `size min max tail split lower int decimal float string bytes timestamp duration glob matches sha256 hex add remove put get div contains startsWith endsWith`, `has`, and `all exists filter map` over collections. Others are declared with `def` or `extern predicate`.
"#;

    /// A call with the wrong number of arguments.
    ARGUMENTS = "PL0316", Error, "a call with the wrong number of arguments", r#"
```
type Positive = list<int>{this.all(y > 0)};
protocol P(role A, role B) { A -> B: m(x: Positive); }
```

Write `this.all(y, y > 0)`: first the name that stands for an element.
"#;

    /// A `def` that calls itself.
    RECURSIVE_DEF = "PL0317", Error, "a `def` that calls itself", r#"
A `def` is written out where it is called, so it cannot call itself, nor be called by what it calls.

```
def f(x: int) = x > 0 && f(x - 1);
protocol P(role A, role B) { A -> B: m(x: int{f(this)}); }
```

`all`, `exists`, `filter` and `map` go through collections.
"#;

    /// An expression that is too large.
    EXPRESSION_TOO_LARGE = "PL0318", Error, "an expression that is too large", r#"
Expressions are limited in size and depth, their `def`s written out. A `def` that calls another one twice, which calls another one twice, and so on, doubles with every step.

```
def a(x: int) = b(x) && b(x + 1);
def b(x: int) = c(x) && c(x + 1);
```

and so on for 20 `def`s. Say it with fewer words, or with `all` over a list.
"#;

    /// A literal that is none.
    BAD_LITERAL = "PL0319", Error, "a literal that is none", r#"
A number with too many digits, a text that is no timestamp where one is wanted, a regular expression with a mistake, a value that the condition of its sort forbids.

```
protocol P(role A, role B) { A -> B: m(x: string{matches(this, "[a-z")}); }
```
"#;

    /// A comparison of sorts without a common value.
    NEVER_EQUAL = "PL0320", Error, "a comparison of sorts without a common value", r#"
```
protocol P(role A, role B) { A -> B: m(x: int{this == "1"}); }
```

These are never equal, so one side is not what is meant.
"#;

    /// `has` of what cannot be absent.
    BAD_HAS = "PL0321", Error, "`has` of what cannot be absent", r#"
`has` asks whether an optional field is there, a variable has a value, or `json` has a member.

```
protocol P(role A, role B) { A -> B: m(x: int{has(this + 1)}); }
```
"#;

    /// A name that has a value on some ways only.
    LOST_NAME = "PL0330", Error, "a name that has a value on some ways only", r#"
A payload field binds its name from there on. Behind a choice it is known only if each arm binds it; a name bound in a handler, in a round, or in one turn of a loop is not known outside of it.

```
protocol P(role A, role B) { choice at A { A -> B: m(x: int); } or { A -> B: n(); } A -> B: o(y: int) where y > x; }
```

Let each arm carry it, or keep it in a `var`.
"#;

    /// A value that a role needs and does not know.
    NOT_KNOWN = "PL0331", Error, "a value that a role needs and does not know", r#"
A role may use only what it sent or received, and variables that it has a copy of. A condition is decided by the sender; an assignment is computed by each end that assigns.

```
protocol P(role A, role B, role C) { A -> B: m(x: int); C -> B: n(y: int) where y > x; }
```

Let a message carry the value to the role that needs it.
"#;

    /// An assignment to what is no variable.
    NOT_A_VARIABLE = "PL0332", Error, "an assignment to what is no variable", r#"
`set` assigns to what `var` or `rec` declares. What a message binds stays as it is until it is bound again.

```
protocol P(role A, role B) { A -> B: m(x: int); A -> B: n() set x = 1; }
```

Declare a variable: `var x: int = 0;`
"#;

    /// An assignment by a role that cannot make it.
    CANNOT_SET = "PL0333", Error, "an assignment by a role that cannot make it", r#"
A role assigns its own copy of a variable when it sends or receives. It must take part in the message and have a copy.

```
protocol P(role A, role B, role C) { var n<C>: int = 0; A -> B: m() set n = 1; }
```

Assign with a message of a role that knows the variable.
"#;

    /// A variable that one message assigns twice.
    SET_TWICE = "PL0334", Error, "a variable that one message assigns twice", r#"
All assignments of one message, those of the blocks around it included, happen at once, so each variable has at most one.

```
protocol P(role A, role B) { var n: int = 0; A -> B: m() set n = 1 set n = 2; }
```

Keep one of them.
"#;

    /// A jump with the wrong number of values.
    JUMP_VALUES = "PL0335", Error, "a jump with the wrong number of values", r#"
A jump gives a value to each variable of its loop.

```
protocol P(role A, role B) { rec X [n<A, B>: int = 0] { A -> B: m(); continue X; } }
```

Write `continue X [n + 1]`, or `continue X [n]` if it stays.
"#;

    /// A family of which no message carries the key.
    NO_KEY = "PL0336", Error, "a family of which no message carries the key", r#"
An instance is found by its key: some message of it must have a payload field of the key's name, or a condition `where field == key`.

```
protocol P(role A, role B) { during { A -> B: end(); } interleave f each k: string { A -> B: m(x: string); } }
```

Add the field, or name the one that is the key: `where x == k`.
"#;

    /// A key field of another sort than the key.
    KEY_SORT = "PL0337", Error, "a key field of another sort than the key", r#"
A payload field with the name of a family's key is that key.

```
protocol P(role A, role B) { during { A -> B: end(); } interleave f each k: string { A -> B: m(k: int); } }
```

Give both the same sort, or rename the field.
"#;

    /// A period outside of a round.
    EVERY_OUTSIDE = "PL0338", Error, "a period outside of a round", r#"
`every` says how often a round of an `interleave` begins.

```
protocol P(role A, role B) { A -> B: m() every 30s; }
```

Write it behind `interleave`, or at the first message of its block. A limit for a single message is `within`.
"#;

    /// A message with two time limits.
    TWO_LIMITS = "PL0339", Error, "a message with two time limits", r#"
A message has one `within`, those of the blocks around it included.

```
protocol P(role A, role B) { A -> B: m() within 5s within 10s; }
```

Keep the one that is meant.
"#;

    /// A crash of a role that does not crash.
    NOT_UNRELIABLE = "PL0340", Error, "a crash of a role that does not crash", r#"
Only a role that is declared `unreliable` crashes.

```
protocol P(role A, role B) { try { A -> B: m(); } on crash A { } }
```

Write `unreliable role A`.
"#;

    /// A message of an unreliable role that may never come.
    AWAITED = "PL0341", Error, "a message of an unreliable role that may never come", r#"
A role that may crash is waited for inside a `try … on crash`, so that it is said what happens then.

```
protocol P(role A, unreliable role B) { B -> A: m(); }
```

Write `try { B -> A: m(); } on crash B { }`.
"#;

    /// An interrupt that reaches nobody.
    UNTOLD = "PL0342", Error, "an interrupt that reaches nobody", r#"
The message of an interrupt goes from the role that leaves the scope to all others that take part in it.

```
protocol P(role A, role B) { try { A: work(); } on interrupt stop() by A { } }
```

Let another role take part in the scope.
"#;

    /// Something that is used once, used wrongly.
    LINEAR = "PL0343", Error, "something that is used once, used wrongly", r#"
Who gives away an `own` field does not have it any more; who lends one has it again when `return` brings it back, from the role that it was lent to.

```
protocol P(role A, role B, role C) { A -> B: m(own file: bytes); A -> C: n(own file: bytes); }
```

Let the role that has it give it.
"#;

    /// Something lent that does not come back.
    NOT_RETURNED = "PL0344", Error, "something lent that does not come back", r#"
What is lent comes back before the protocol, or the instance that it was lent in, ends.

```
protocol P(role A, role B) { A -> B: m(lend file: bytes); }
```

Add `B -> A: done(return file);`, or give it away with `own`.
"#;

    /// A copy that is read before anybody told its owner.
    STALE = "PL0349", Error, "a copy that is read before anybody told its owner", r#"
Every role has its own copy of a variable, and a `set` assigns those of both ends of its message. The copies of all others stay as they were.

```
protocol P(role A, role B, role C) { var n: int = 0; A -> B: m() set n = 1; C -> B: o(x: int) where x == n; }
```

Let a message tell the role, or declare who has a copy: `var n<A, B>: int = 0;`.
"#;

    /// Two roles that assign to one variable without an order.
    UNORDERED = "PL0350", Warning, "two roles that assign to one variable without an order", r#"
Two messages set a variable, the sender of neither has heard of the other, and so the copies may end up different.

```
protocol P(role A, role B) { var n: int = 0; par { A -> B: a() set n = 1; } and { B -> A: b() set n = 2; } }
```

Let one of them tell the other first, or give each a variable of its own.
"#;

    /// A role that does not learn that a scope was left.
    NOT_LEARNED = "PL0351", Warning, "a role that does not learn that a scope was left", r#"
The role where a time limit runs out leaves the scope first. Every other role that takes part in it learns of that from a message, of the handler or from beyond the scope; without one it goes on as if nothing had happened.

```
protocol P(role A, role B) { try { A -> B: ask(); B -> A: answer(); } on timeout 5s at A { } }
```

Let the handler begin with a message to that role.
"#;

    /// A value that a jump gives to a role that does not notice the jump.
    LOST_JUMP = "PL0352", Error, "a jump that a role does not notice, with a value for it", r#"
`continue X[e]` gives every role that holds the loop's variable its new value with the role's last step before the jump. If others choose between the jump and something else after that step, the role does not know yet which it will be, and its copy would be wrong whichever way it is assigned.

```
protocol P(role A, role B, role C) {
  rec X [n<C>: int = 0] {
    B -> C: go();
    choice at A { A -> B: again(); continue X [n + 1]; }
    or          { A -> B: stop(); B -> C: bye(); }
  }
}
```

Tell the role: `B -> C: again(); continue X [n + 1];`. Or let those hold the variable who take part in the choice (`n<A, B>`).
"#;

    /// A witness of what is no predicate.
    NOT_A_PREDICATE = "PL0355", Error, "a witness of what is no predicate", r#"
`requires w(e)` names what a witness is issued for: a `def` of sort bool, which is evaluated, or an `extern predicate`, which the host answers. Built-in functions and names of fields are neither.

```
protocol P(role A, role B) { A -> B: pay(amount: int) requires funds_checked(amount); }
```

Declare it: `extern predicate funds_checked(int);`.
"#;

    /// A witness of what is not true or false.
    NOT_A_TRUTH = "PL0356", Error, "a witness of what is not true or false", r#"
A witness says that something is true, so the `def` that `requires` names gives a bool.

```
def fee(amount: int) = amount + 1;
protocol P(role A, role B) { A -> B: pay(amount: int) requires fee(amount); }
```

Let the `def` say what must hold of it: `def fair(amount: int) = amount + 1 < 100;`.
"#;

    /// An assertion behind which nothing happens.
    NOTHING_BEHIND = "PL0357", Warning, "an assertion behind which nothing happens", r#"
`assert e` is a condition on the next event of the role that decides. Where no event can follow, it is a condition on nothing.

```
protocol P(role A, role B) { A -> B: m(x: int); assert x > 0; }
```

State it at the message before: `A -> B: m(x: int) where x > 0;`.
"#;
}
