//! PL02: names and form.

codes! {
    /// A role that is not declared.
    UNKNOWN_ROLE = "PL0201", Error, "a role that is not declared", r#"
A role is used that the declaration does not list between its parentheses.

```
protocol P(role Alice, role Bob) { Alice -> Bbo: hello(); }
```

Declare the role, or mend its name. Names are told apart by case.
"#;

    /// A protocol that is not declared.
    UNKNOWN_NAME = "PL0202", Error, "a protocol that is not declared", r#"
A `do`, a claim, a trace or an `in` names something that no declaration of this file, and none of an imported file, has.

```
protocol P(role A, role B) { do Q(A, B); }
```

Declare it, mend its name, or import the file that declares it: `import lib.login;`, then `do lib.login.Login(A, B);`.
"#;

    /// A name that is declared twice.
    DUPLICATE = "PL0203", Error, "a name that is declared twice", r#"
Two declarations of one kind have the same name, so it does not say which is meant.

```
protocol P(role A, role B) { A -> B: x(); }
protocol P(role A, role B) { A -> B: y(); }
```

Rename one of them. Local types may share a name if they belong to different roles.
"#;

    /// A role that is declared twice.
    DUPLICATE_ROLE = "PL0204", Error, "a role that is declared twice", r#"
```
protocol P(role A, role A) { A -> A: x(); }
```

Give each role a name of its own.
"#;

    /// A variable that is declared twice.
    DUPLICATE_VAR = "PL0205", Error, "a variable that is declared twice", r#"
Two variables of one block, or of one `rec`, have the same name.

```
protocol P(role A, role B) { var x: int = 0; var x: int = 1; A -> B: m(); }
```

Rename one of them.
"#;

    /// A block of a `states` that is declared twice.
    DUPLICATE_BLOCK = "PL0206", Error, "a block of a `states` that is declared twice", r#"
The names of the blocks of a `states` are where `continue` jumps to, so they must differ.

```
protocol P(role A, role B) { states { s { A -> B: x(); } s { A -> B: y(); } } }
```

Rename one of them.
"#;

    /// A message to oneself.
    SELF_MESSAGE = "PL0207", Error, "a message to oneself", r#"
A role sends a message to itself. There is no edge from a role to itself: nothing would ever take the message. In a `system`, where the local types are given, it is a warning.

```
protocol P(role A, role B) { A -> A: think(); A -> B: m(); }
```

Write a step that nobody else sees as a local action: `A: think();`.
"#;

    /// A jump to no enclosing loop.
    UNBOUND = "PL0208", Error, "a jump to no enclosing loop", r#"
`continue X`, or `X` in a compact local type, needs a `rec X` around it, or a block of a `states` of that name. A protocol that is called by `do` does not see the loops of its caller.

```
protocol P(role A, role B) { rec X { A -> B: m(); continue Y; } }
```

Mend the name, or put the repeated part between the braces of the `rec`.
"#;

    /// A repetition without a step.
    UNGUARDED = "PL0209", Error, "a repetition without a step", r#"
A loop, or a protocol that calls itself, can come back to where it was although nobody has sent, received or done anything. Such a round has no meaning.

```
protocol P(role A, role B) { rec X { continue X; } }
```

Let a message, or a local action, happen in every round; leave out an arm that only repeats.
"#;

    /// A protocol that calls itself with something left to do.
    NOT_TAIL = "PL0210", Error, "a protocol that calls itself with something left to do", r#"
A call of a protocol to itself, directly or through others, is a jump. If something stands behind the call, and the call may come to its end, each round would leave more to be done later, which no finite machine can remember.

```
protocol P(role A, role B) {
  choice at A { A -> B: more(); do P(A, B); B -> A: done(); } or { A -> B: enough(); }
}
```

Let the call be the last step, or write the repetition as a `rec` loop, behind which other things may stand. (Behind a call that never comes to its end nothing is ever done, and nothing need be remembered: that is a warning.)
"#;

    /// Something that is never reached.
    UNREACHABLE = "PL0211", Warning, "something that is never reached", r#"
What stands behind a `continue`, or behind a block that never comes to its end, never happens. It is read for errors and then left out.

```
protocol P(role A, role B) { rec X { A -> B: m(); continue X; B -> A: never(); } }
```

Delete it, or let an arm of a choice leave the loop.
"#;

    /// An empty arm of a choice.
    EMPTY_ARM = "PL0212", Warning, "an empty arm of a choice", r#"
Nothing is sent when this arm is taken, so no other role can notice that it is.

```
protocol P(role A, role B) { choice at A { A -> B: more(); } or { } }
```

Say what the role that decides sends in this case: `or { A -> B: nothing(); }`.
"#;

    /// A receiver that is named twice.
    RECEIVER_TWICE = "PL0213", Error, "a receiver that is named twice", r#"
```
protocol P(role A, role B) { A -> B, B: m(); }
```

Name it once, or write two messages if it gets two.
"#;

    /// A role that never takes part.
    IDLE_ROLE = "PL0214", Note, "a role that never takes part", r#"
The role is declared, but sends, receives and does nothing.

```
protocol P(role A, role B, role C) { A -> B: m(); }
```

Leave it out, unless it only fills the place that a caller passes.
"#;

    /// A role of a system without a type.
    UNTYPED = "PL0215", Error, "a role of a system without a type", r#"
A system gives a local type to each of its roles.

```
system S(role P, role Q) { P = Q!a(). end; }
```

Add the type: `Q = P?a(). end;`.
"#;

    /// A role of a system with two types.
    TYPED_TWICE = "PL0216", Error, "a role of a system with two types", r#"
```
system S(role P, role Q) { P = Q!a(). end; P = Q!b(). end; Q = P?a(). end; }
```

Delete one of them, or join them: `P = Q!{ a(). end, b(). end };`.
"#;

    /// A local type that speaks with its own role.
    OWN_PEER = "PL0217", Error, "a local type that speaks with its own role", r#"
The peer of a send or receive is the role whose type it is.

```
local type T at A = A!m(). end;
```

Name the other end; a step that nobody else sees is written `A: m()`.
"#;

    /// Two arms that begin with the same step.
    SAME_ACTION = "PL0218", Warning, "two arms that begin with the same step", r#"
When the step happens, nobody can tell which of the arms was taken. The machine keeps both possibilities, which is rarely what was meant.

```
local type T at A = B?{ m(). B!x(). end, m(). B!y(). end };
```

Give one of them another label, or put what they share before the choice.
"#;

    /// A call with the wrong number of roles.
    ROLE_COUNT = "PL0219", Error, "a call with the wrong number of roles", r#"
```
protocol P(role A, role B, role C) { do Q(A, B, C); }
protocol Q(role X, role Y) { X -> Y: m(); }
```

Pass one role for each role that the callee declares, in its order.
"#;

    /// A call that passes one role twice.
    ROLE_PASSED_TWICE = "PL0220", Error, "a call that passes one role twice", r#"
The roles of a protocol are different ones, so one role cannot play two of them.

```
protocol P(role A, role B) { do Q(A, A); A -> B: m(); }
protocol Q(role X, role Y) { X -> Y: m(); }
```

Pass another role, or write a protocol with fewer roles.
"#;

    /// A call with the wrong arguments.
    ARGUMENTS = "PL0221", Error, "a call with the wrong arguments", r#"
The values between `<` and `>` must be as many as the callee's parameters, and of their kind: a sort for `type` and `data`, a message for `sig`.

```
protocol P(role A, role B) { do Q(A, B); }
aux protocol Q<type T>(role X, role Y) { X -> Y: m(T); }
```

Write `do Q<int>(A, B);`.
"#;

    /// A call whose arguments never repeat.
    TOO_MANY_INSTANCES = "PL0222", Error, "a call whose arguments never repeat", r#"
Every protocol is written out for each combination of roles and arguments that a `do` reaches; there are at most 10,000. Beyond that an argument grows with every call.

```
protocol P(role A, role B) { do Q<int>(A, B); }
aux protocol Q<type T>(role A, role B) { A -> B: m(T); do Q<list<T>>(A, B); }
```

Pass the parameter on as it is, or carry the growing data in a message.
"#;

    /// A protocol that is too large when it is written out.
    TOO_LARGE = "PL0223", Error, "a protocol that is too large when it is written out", r#"
Calls are written out. A chain of protocols that each call the next one twice doubles with every link; a limit of several million steps stops that.

```
protocol P0(role A, role B) { do P1(A, B); do P1(A, B); }
```

and so on for 30 links. Let protocols call each other fewer times, or repeat by a `rec` loop.
"#;

    /// Imports that go round in a circle.
    IMPORT_CYCLE = "PL0224", Error, "imports that go round in a circle", r#"
A file imports itself, directly or through others. The message names the chain.

```
module a; import b;      // in a.mpst
module b; import a;      // in b.mpst
```

Move what both need into a third file that imports neither.
"#;

    /// An import that cannot be read.
    MISSING_MODULE = "PL0225", Error, "an import that cannot be read", r#"
No file was found for the module, or it cannot be read. `a.b.C` is the file `a/b/C.mpst`, `.scr` or `.nuscr`; the message says where it was looked for.

```
import lib.missing;
```

Mend the name, or add the folder to the search path.
"#;

    /// An import that is not used.
    UNUSED_IMPORT = "PL0226", Note, "an import that is not used", r#"
Nothing of the imported file is mentioned.

```
import lib.login;
protocol P(role A, role B) { A -> B: m(); }
```

Delete the import.
"#;

    /// An attribute that is not known.
    UNKNOWN_ATTRIBUTE = "PL0227", Warning, "an attribute that is not known", r#"
Attributes are `@main`, `@pipelined(R)`, `@except(field)` and `@epoch(field)`. Another one has no effect.

```
@mian protocol P(role A, role B) { A -> B: m(); }
```

Mend its name, or write it as a comment.
"#;

    /// An edition that is not known.
    UNKNOWN_EDITION = "PL0228", Error, "an edition that is not known", r#"
`@edition("2026");` says for which version of the language a file was written.

```
@edition("1999");
```

Use a version of the tool that knows the edition, or write the file for this one.
"#;

    /// A name of the wrong kind.
    WRONG_KIND = "PL0229", Error, "a name of the wrong kind", r#"
The name is declared, but as something else than is needed here: `do` calls protocols (in a local protocol: local ones), `in` names a global protocol, and `T@R` needs a local type of R.

```
protocol P(role A, role B) { do S(A, B); }
system S(role A, role B) { A = B!m(). end; B = A?m(). end; }
```

Name a declaration of the right kind.
"#;

    /// A local protocol that does not say whose it is.
    NOBODYS = "PL0231", Error, "a local protocol that does not say whose it is", r#"
```
local protocol P(role A, role B) { m() to B; }
```

Write `local protocol P at A(role B)`, or `local protocol P(self A, role B)`.
"#;

    /// An arm in the wrong direction.
    WRONG_DIRECTION = "PL0232", Error, "an arm in the wrong direction", r#"
In `+{…}` the role decides, so every arm sends or is a local action; in `&{…}` its peers decide, so every arm receives.

```
local type T at A = +{ B?m(). end, B!n(). end };
```

Write `*{…}` for a choice between sends and receives.
"#;

    /// Loops that nest too deeply.
    TOO_DEEP = "PL0233", Error, "loops that nest too deeply", r#"
Loops inside each other are read up to a depth of 1,000.

```
local type T at A = rec X1. rec X2. rec X3. B!m(). end;
```

and so on. Write the type by equations: `states { a = B!m(). b; b = …; }`.
"#;

    /// A trace with a label that no message has.
    UNKNOWN_LABEL = "PL0234", Warning, "a trace with a label that no message has", r#"
The trace cannot be accepted: no message of the specification is called so.

```
protocol P(role A, role B) { A -> B: hello(); }
trace t accepts P { A -> B: helo(); }
```

Mend the label. In a trace that is to be refused it is no mistake.
"#;

    /// An `end` before the end of a trace.
    EARLY_END = "PL0235", Error, "an `end` before the end of a trace", r#"
`end;` says that the session is over after the last event.

```
protocol P(role A, role B) { A -> B: hello(); }
trace t accepts P { end; A -> B: hello(); }
```

Put it behind the last event.
"#;

    /// A number that is not one.
    BAD_NUMBER = "PL0236", Error, "a number that is not one", r#"
The bound of a channel, or of a claim, is a whole number.

```
protocol P(role A, role B) { channel A -> B: bounded("two"); A -> B: m(); }
```

Write the number: `bounded(2)`, `check safe(P, 2);`.
"#;

    /// A channel that cannot be.
    CHANNEL = "PL0237", Error, "a channel that cannot be", r#"
A channel leads from one role to another, and each is declared once.

```
protocol P(role A, role B) { channel A -> B: sync; channel A -> B: fifo; A -> B: m(); }
```

Delete one of the two; the opposite direction is a channel of its own.
"#;

    /// A name that several local types have.
    AMBIGUOUS = "PL0238", Error, "a name that several local types have", r#"
```
local type T at A = B!m(). end;
local type T at B = A?m(). end;
check T <: T;
```

Say whose is meant: `check T@A <: T@A;`.
"#;

    /// Two main protocols.
    SEVERAL_MAIN = "PL0239", Error, "two main protocols", r#"
`@main` marks the one protocol that traces are checked against if nothing else is said.

```
@main protocol P(role A, role B) { A -> B: m(); }
@main protocol Q(role A, role B) { A -> B: n(); }
```

Keep one of the marks.
"#;

    /// A local action of somebody else.
    FOREIGN_ACT = "PL0240", Error, "a local action of somebody else", r#"
`R: l()` in the type of another role: nobody else sees a local action, so it has no place there.

```
local type T at A = B: think(). end;
```

Write it in the type of the role that acts.
"#;

    /// A call of another role's part.
    NOT_OWN = "PL0242", Error, "a call of another role's part", r#"
A local protocol calls local protocols of the same role: the place of `self` is passed on to oneself.

```
local protocol P at A(role B, role C) { do Q(B, C); }
local protocol Q at X(self X, role Y) { m() to Y; }
```

Pass the own role: `do Q(self, C);`.
"#;

    /// A parameter that is declared twice.
    DUPLICATE_PARAM = "PL0243", Error, "a parameter that is declared twice", r#"
```
protocol P<type T, type T>(role A, role B) { A -> B: m(T); }
```

Rename one of them.
"#;

    /// A role of a family that does not exist.
    ROLE_INDEX = "PL0244", Error, "a role of a family that does not exist", r#"
A role family `role W[N]` has the roles `W[0]` to `W[N-1]`; each is named by its index, a number that is known before anything happens.

```
protocol P(role A, role W[2]) { A -> W[0]: m(); A -> W[2]: m(); }
```

Count from 0, and leave the index away where the role is no family.
"#;

    /// A jump out of something that must come to its end.
    JUMP_OUT = "PL0245", Error, "a jump out of something that must come to its end", r#"
A `continue` may leave a `try` or a `foreach`. It may not leave a part of a `par` or `during`, nor an instance of an `interleave`: the others would not know.

```
protocol P(role A, role B) { rec X { par { A -> B: a(); continue X; } and { B -> A: b(); } } }
```

Let all parts come to their ends, and jump behind them.
"#;
}
