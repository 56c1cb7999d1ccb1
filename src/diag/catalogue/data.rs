//! PL03: sorts.

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
}
