//! PL01: syntax.

codes! {
    /// Something else was expected.
    UNEXPECTED = "PL0101", Error, "something else was expected",
        "The text does not follow the grammar here. The message says what could stand at this place, and what does. \
         A word that is a keyword at its place is read as one; backquotes make any text a name:\n\n\
         ```text\n`choice` -> B: hello();\n```\n\n\
         A statement ends with `;`, a block stands in braces.";
    /// A character that no token begins with.
    BAD_CHARACTER = "PL0102", Error, "a character that means nothing here",
        "No token begins with this character. Identifiers are made of letters, digits and `_`; any other text is a \
         name in backquotes, such as `` `x-request-id` ``.";
    /// A string without an end.
    UNCLOSED_STRING = "PL0103", Error, "a string that is not closed",
        "A string ends on the line on which it begins. Inside it a quote is written `\\\"` and a line break `\\n`.";
    /// A comment without an end.
    UNCLOSED_COMMENT = "PL0104", Error, "a comment that is not closed",
        "`/*` is closed by the next `*/`. `(*` is closed by its own `*)`: these comments nest. `(*)` and `//` begin \
         comments that end with their line, and `(*#` begins a pragma, which ends with `#*)`.";
    /// An unknown escape in a string.
    BAD_ESCAPE = "PL0105", Error, "an unknown escape in a string",
        "After a backslash stands one of `\"`, `\\`, `/`, `'`, `n`, `r`, `t`, `b`, `f`, or `u` with four hexadecimal \
         digits or with up to six in braces, which must name a character.";
    /// A name in backquotes that is empty or not closed.
    BAD_QUOTED_NAME = "PL0106", Error, "a malformed name in backquotes",
        "Between backquotes stands at least one character, and both are on one line: `` `x-vendor.*` ``.";
    /// Nested deeper than the parser goes.
    TOO_DEEP = "PL0107", Error, "nested too deeply",
        "Braces, brackets, parentheses and operators nest up to 200 levels. Sequences and chains do not count: they \
         may be of any length. Give an inner part a name of its own, as a protocol, a `def` or a `type`.";
    /// A text of 4 GiB or more.
    TOO_LARGE = "PL0108", Error, "a text that is too large",
        "Places in a text are 32-bit numbers, so a file has less than 4 GiB. Split it into files that `import` each \
         other.";
    /// More errors than are shown.
    TOO_MANY = "PL0109", Error, "too many errors",
        "Only the first errors of a file are shown. Mend them and look again: the others often vanish with them.";
    /// A bracket that is never closed.
    UNCLOSED = "PL0110", Error, "a bracket that is never closed",
        "The file ends, or the next declaration begins, before this bracket was closed. The second place is where its \
         counterpart was expected at the latest.";
    /// A declaration behind a statement.
    LATE = "PL0111", Error, "a declaration behind a statement",
        "Variables stand at the beginning of a block; nested protocols, channels and variables of a protocol at its \
         beginning. They hold in the whole block, also before the place where this one was written.";
    /// A construct without the parts that it needs.
    EMPTY = "PL0112", Error, "a construct without parts",
        "A choice between no messages, a `states` without states, an `enum` without names or a key of nothing has no \
         meaning.";
    /// A statement of a global protocol in a local one, or the other way round.
    WRONG_SIDE = "PL0113", Error, "a statement of the other kind of protocol",
        "A global protocol says what all roles do and names both ends of a message: `A -> B: l();` or `l() from A to \
         B;`. A local protocol says what one role does and names only its peer: `l() to B;` or `B!l();` sends, \
         `l() from B;` or `B?l();` receives.";
    /// A number that should be a duration.
    BAD_DURATION = "PL0114", Error, "not a duration",
        "A duration is a whole number with a unit and no space between them: `250ms`, `5s`, `2m`, `1h`; the units are \
         ns, us, ms, s, m and h. An expression of sort duration stands in parentheses: `within (2 * beat)`.";
    /// An attribute before something that takes none.
    STRAY_ATTRIBUTE = "PL0115", Error, "an attribute that belongs to nothing",
        "Attributes such as `@main` stand before protocols, local protocols, local types and systems.";
    /// A header that stands too late.
    MISPLACED = "PL0116", Error, "a header in the wrong place",
        "A file begins, in this order, with its pragma `(*# … #*)`, its edition `@edition(\"2026\");` and its name \
         `module a.b;`. Each may be left out; declarations follow.";
    /// `a < b < c`
    CHAINED = "PL0117", Error, "chained comparisons",
        "`a < b < c` would compare a truth value with `c`. Write `a < b && b < c`.";
    /// A closing bracket without an opening one.
    UNMATCHED = "PL0118", Error, "a bracket that closes nothing",
        "There is no open brace at this place. Often one was closed too early before it.";
}
