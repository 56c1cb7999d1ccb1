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
}
