//! The syntax tree: what was written, with its places, before any name is looked up.
//!
//! One tree for `.mpst`, `.scr` and `.nuscr` files; `A -> B: l();` and `l() from A to B;` are the same node. Sequences
//! are vectors and never nest, so a chain of a million actions is flat; what does nest (braces, parentheses) nests no
//! deeper than the parser allows, so walking a tree by recursion is safe.

use crate::diag::Span;

/// An identifier, a label or a number used as one. Backquotes are not part of the text.
#[derive(Clone, Debug)]
pub struct Name {
    /// The text.
    pub text: Box<str>,
    /// Where.
    pub span: Span,
}

impl PartialEq for Name {
    /// Equal texts; places do not matter.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

/// `a.b.c`
#[derive(Clone, Debug)]
pub struct QName {
    /// At least one.
    pub parts: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// A string literal, unescaped.
#[derive(Clone, Debug)]
pub struct Text {
    /// What it says.
    pub value: Box<str>,
    /// Where, with its quotes.
    pub span: Span,
}

/// How a comment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `// …`
    Line,
    /// `/// …`
    Doc,
    /// `/* … */` or `(* … *)`
    Block,
}

/// A comment. The printer puts it back before, or behind, what it stood next to.
#[derive(Clone, Debug)]
pub struct Comment {
    /// How it is written.
    pub kind: CommentKind,
    /// Where, with its delimiters.
    pub span: Span,
    /// Whether nothing but white space and other comments stands before it on its line.
    pub own_line: bool,
}

/// A whole file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `(*# … #*)`, the text between the marks.
    pub pragma: Option<Text>,
    /// `@edition("2026");`
    pub edition: Option<Text>,
    /// `module a.b;`
    pub module: Option<QName>,
    /// In order.
    pub items: Vec<Item>,
    /// All comments, by place.
    pub comments: Vec<Comment>,
}

/// A declaration.
#[derive(Clone, Debug)]
pub enum Item {
    /// `import a.b as c;`
    Import(Import),
    /// `type T = sort;`
    Type(TypeDecl),
    /// `type <java> "java.lang.Integer" from "rt.jar" as Int;`
    Foreign(Foreign),
    /// `extern predicate p(int);`
    Extern(Extern),
    /// `def f(x: int) = e;`
    Def(Def),
    /// `protocol P(role A, role B) { … }`
    Protocol(Box<Protocol>),
    /// `local protocol P at A(role B) { … }`
    LocalProtocol(Box<LocalProtocol>),
    /// `local type T at A = …;`
    LocalType(Box<LocalType>),
    /// `system S(role A, role B) { A = …; B = …; }`
    System(Box<System>),
    /// `check safe(S);`
    Check(Check),
    /// `trace t accepts P { … }`
    Trace(Trace),
}

/// `import a.b as c;`
#[derive(Clone, Debug)]
pub struct Import {
    /// What.
    pub name: QName,
    /// Its name here.
    pub alias: Option<Name>,
    /// Where.
    pub span: Span,
}

/// `type T<…> = sort;`
#[derive(Clone, Debug)]
pub struct TypeDecl {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<TParam>,
    /// What it stands for.
    pub sort: Sort,
    /// Where.
    pub span: Span,
}

/// The word before `<` in a Scribble foreign declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKind {
    /// `type`
    Type,
    /// `data`
    Data,
    /// `sig`
    Sig,
}

/// `type <java> "java.lang.Integer" from "rt.jar" as Int;`
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Its first word.
    pub kind: ForeignKind,
    /// The language, `java`.
    pub schema: Name,
    /// The foreign name.
    pub external: Text,
    /// Where it comes from.
    pub source: Text,
    /// Its name here.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// `extern predicate p(int, string);`
#[derive(Clone, Debug)]
pub struct Extern {
    /// Its name.
    pub name: Name,
    /// The sorts of its arguments.
    pub sorts: Vec<Sort>,
    /// Where.
    pub span: Span,
}

/// `def f(x: int) = e;`
#[derive(Clone, Debug)]
pub struct Def {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<(Name, Sort)>,
    /// Its value.
    pub body: Expr,
    /// Where.
    pub span: Span,
}

/// `@name(literal, …)`
#[derive(Clone, Debug)]
pub struct Attr {
    /// Its name.
    pub name: Name,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// Where.
    pub span: Span,
}

/// A parameter of a declaration.
#[derive(Clone, Debug)]
pub struct TParam {
    /// What it ranges over.
    pub kind: TParamKind,
    /// Its name.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// What a parameter ranges over.
#[derive(Clone, Debug)]
pub enum TParamKind {
    /// `type T`
    Type,
    /// `data T`
    Data,
    /// `sig M`
    Sig,
    /// `const N: int`
    Const(Sort),
}

/// `unreliable role W[N]`
#[derive(Clone, Debug)]
pub struct RoleDecl {
    /// It may crash.
    pub unreliable: bool,
    /// Its name.
    pub name: Name,
    /// The size of a role family.
    pub size: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// A role where it is used: `A`, `W[i]`.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: Name,
    /// Which one of a family.
    pub index: Option<Box<Expr>>,
    /// Where.
    pub span: Span,
}

/// A global protocol.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// `@main`, `@pipelined(R)` and so on.
    pub attrs: Vec<Attr>,
    /// Only to be called by `do`.
    pub aux: bool,
    /// Scribble's `explicit`: connections are made by `connect`.
    pub explicit: bool,
    /// Sees the surroundings of where it is called.
    pub nested: bool,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<TParam>,
    /// Its roles.
    pub roles: Vec<RoleDecl>,
    /// The roles behind `; new`.
    pub new_roles: Vec<RoleDecl>,
    /// nuScr's `@"…"`.
    pub annotation: Option<Text>,
    /// Protocols, channels and variables declared inside.
    pub items: Vec<Inner>,
    /// What happens.
    pub body: Vec<Stmt>,
    /// Where.
    pub span: Span,
}

/// Something declared inside a protocol or a system.
#[derive(Clone, Debug)]
pub enum Inner {
    /// A nested protocol.
    Protocol(Box<Protocol>),
    /// `channel A -> B: bounded(2);`
    Channel(Channel),
    /// `var x: int = 0;`
    Var(Var),
}

/// `channel A -> B: kind;`
#[derive(Clone, Debug)]
pub struct Channel {
    /// The sender's end.
    pub from: Role,
    /// The receiver's end.
    pub to: Role,
    /// What kind.
    pub kind: ChannelKind,
    /// Where.
    pub span: Span,
}

/// What kind of edge a channel is.
#[derive(Clone, Debug)]
pub enum ChannelKind {
    /// Unbounded, first in first out: the default.
    Fifo,
    /// Blocks the sender at `n`.
    Bounded(Expr),
    /// One step of both roles.
    Sync,
    /// May drop.
    Lossy,
    /// Keeps the latest.
    Latest,
}

/// `var x<A, B>: sort = e;`
#[derive(Clone, Debug)]
pub struct Var {
    /// Its name.
    pub name: Name,
    /// Who knows it: `None` all roles, `Some([])` nobody (`<>`).
    pub roles: Option<Vec<Role>>,
    /// Its sort.
    pub sort: Sort,
    /// Its first value.
    pub value: Expr,
    /// Where.
    pub span: Span,
}

/// `{ var … stmt … }`
#[derive(Clone, Debug)]
pub struct Block {
    /// Variables of the block.
    pub vars: Vec<Var>,
    /// In order.
    pub stmts: Vec<Stmt>,
    /// Where, with its braces.
    pub span: Span,
}

/// A statement, global or local.
#[derive(Clone, Debug)]
pub struct Stmt {
    /// Which.
    pub kind: StmtKind,
    /// Where, with its semicolon.
    pub span: Span,
}

/// Which statement.
#[derive(Clone, Debug)]
pub enum StmtKind {
    /// `A -> B, C: l(x: int) opts;` or `l(x: int) from A to B, C opts;`
    Message {
        /// The sender.
        from: Role,
        /// The receivers, at least one.
        to: Vec<Role>,
        /// What.
        message: Message,
        /// Conditions and effects.
        opts: Vec<Opt>,
        /// nuScr's `@"…"`.
        annotation: Option<Text>,
    },
    /// `A -> B: { l1() => { … }, l2() }`
    Branches {
        /// The sender.
        from: Role,
        /// The receivers, at least one.
        to: Vec<Role>,
        /// At least one.
        arms: Vec<Branch>,
    },
    /// Local: `l() to A, B opts;` or `A!l() opts;`
    Send {
        /// The receivers, at least one.
        to: Vec<Role>,
        /// What.
        message: Message,
        /// Conditions and effects.
        opts: Vec<Opt>,
    },
    /// Local: `l() from A opts;` or `A?l() opts;`
    Receive {
        /// The sender.
        from: Role,
        /// What.
        message: Message,
        /// Conditions and effects.
        opts: Vec<Opt>,
    },
    /// `R: l(x: int) opts;`
    Act {
        /// Who acts.
        role: Role,
        /// What.
        message: Message,
        /// Conditions and effects.
        opts: Vec<Opt>,
    },
    /// `choice at R { … } or { … }`
    Choice {
        /// Who decides.
        at: Role,
        /// At least one.
        arms: Vec<Block>,
    },
    /// `rec X [v<R>: int = 0] { … }`
    Rec {
        /// The loop's name.
        name: Name,
        /// Its variables.
        vars: Vec<RecVar>,
        /// Its body.
        body: Block,
    },
    /// `states { a { … } b { … } }`; the first is initial.
    States {
        /// At least one.
        blocks: Vec<(Name, Block)>,
    },
    /// `continue X [e];`
    Continue {
        /// Where to.
        name: Name,
        /// Values of the loop's variables.
        args: Vec<Expr>,
        /// nuScr's `@"…"`.
        annotation: Option<Text>,
    },
    /// `do l: a.P<…>(A, B);`
    Do {
        /// The instance's name.
        label: Option<Name>,
        /// The protocol.
        protocol: QName,
        /// Its arguments.
        args: Vec<TArg>,
        /// Its roles; `self` is a name like others.
        roles: Vec<Role>,
        /// nuScr's `@"…"`.
        annotation: Option<Text>,
    },
    /// `A calls P(A, B);`
    Calls {
        /// The caller.
        caller: Role,
        /// The protocol.
        protocol: Name,
        /// Its roles.
        roles: Vec<Role>,
        /// nuScr's `@"…"`.
        annotation: Option<Text>,
    },
    /// `par { … } and { … }`
    Par {
        /// At least one.
        parts: Vec<Block>,
    },
    /// `during opts { … } interleave name each keys opts { … }`
    During {
        /// Options of every message inside.
        opts: Vec<Opt>,
        /// The main part.
        main: Option<Block>,
        /// At least one.
        rounds: Vec<Interleave>,
    },
    /// `try { … } on event { … }`
    Try {
        /// The scope.
        body: Block,
        /// At least one, in order.
        handlers: Vec<(Handler, Block)>,
    },
    /// Scribble's `interruptible name { … } with { m() by R; }`
    Interruptible {
        /// The scope's name.
        name: Option<Name>,
        /// The scope.
        body: Block,
        /// Who may leave it by which message.
        with: Vec<(Message, Vec<Opt>, Role)>,
    },
    /// `foreach i in a..b { … }`
    Foreach {
        /// The variable.
        name: Name,
        /// The first value.
        from: Expr,
        /// One past the last.
        to: Expr,
        /// Its body.
        body: Block,
    },
    /// `m() connect A to B;`
    Connect {
        /// The first message.
        message: Option<Message>,
        /// Who connects.
        from: Role,
        /// To whom.
        to: Role,
        /// nuScr's `@"…"`.
        annotation: Option<Text>,
    },
    /// `disconnect A and B;`
    Disconnect {
        /// One end.
        left: Role,
        /// The other.
        right: Role,
    },
    /// `wrap A to B;`
    Wrap {
        /// One end.
        from: Role,
        /// The other.
        to: Role,
    },
    /// `assert e;`
    Assert(Expr),
}

/// An arm of `A -> B: { … }`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What is sent.
    pub message: Message,
    /// Conditions and effects.
    pub opts: Vec<Opt>,
    /// What follows; nothing but what stands behind the statement, if left out.
    pub then: Option<Block>,
    /// Where.
    pub span: Span,
}

/// A variable of a `rec`.
#[derive(Clone, Debug)]
pub struct RecVar {
    /// Its name.
    pub name: Name,
    /// Who knows it.
    pub roles: Vec<Role>,
    /// nuScr's second name, `x: int`, `(x: int)`.
    pub inner: Option<Name>,
    /// Its sort.
    pub sort: Sort,
    /// Its first value.
    pub value: Expr,
    /// Where.
    pub span: Span,
}

/// `interleave name each (k: T) opts { … }`
#[derive(Clone, Debug)]
pub struct Interleave {
    /// The family's name.
    pub name: Option<Name>,
    /// Its keys.
    pub keys: Vec<Key>,
    /// Options of every message inside.
    pub opts: Vec<Opt>,
    /// One round.
    pub body: Block,
    /// Where.
    pub span: Span,
}

/// A key of a family.
#[derive(Clone, Debug)]
pub struct Key {
    /// The payload field.
    pub name: Name,
    /// Its sort, without refinement.
    pub sort: Base,
    /// How keys may come again.
    pub mode: KeyMode,
    /// Where.
    pub span: Span,
}

/// How keys of a family may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// Never.
    Once,
    /// After their instance has ended.
    Reusable,
    /// Never, and they only rise.
    Rising,
}

/// What a handler handles.
#[derive(Clone, Debug)]
pub struct Handler {
    /// Which event.
    pub kind: HandlerKind,
    /// Where.
    pub span: Span,
}

/// Which event a handler handles.
#[derive(Clone, Debug)]
pub enum HandlerKind {
    /// `timeout D at R`
    Timeout(Duration, Role),
    /// `idle D at R`
    Idle(Duration, Role),
    /// `deadline D at R`
    Deadline(Duration, Role),
    /// `crash P`
    Crash(Role),
    /// `interrupt m() opts by R`
    Interrupt(Message, Vec<Opt>, Role),
}

/// `5s` or `(e)`
#[derive(Clone, Debug)]
pub enum Duration {
    /// As written, such as `250ms`.
    Literal(Name),
    /// An expression in parentheses.
    Expr(Expr),
}

/// A label with its payload.
#[derive(Clone, Debug)]
pub struct Message {
    /// The label; nuScr allows none before a payload. A dotted label is one name with its dots.
    pub label: Option<Name>,
    /// What stands in parentheses; `None` for a bare label, which says nothing about its payload.
    pub payload: Option<Payload>,
    /// Where.
    pub span: Span,
}

/// `(x: int, own file: bytes, ...Env)`
#[derive(Clone, Debug)]
pub struct Payload {
    /// In order.
    pub fields: Vec<Field>,
    /// `...` or `...Env` at the end.
    pub rest: Option<Box<Rest>>,
    /// Where, with its parentheses.
    pub span: Span,
}

/// `...` or `...Env`
#[derive(Clone, Debug)]
pub struct Rest {
    /// The record type whose fields are included.
    pub record: Option<QName>,
    /// Where.
    pub span: Span,
}

/// Who may use an owned or lent payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lend {
    /// The sender may not use it again.
    Own,
    /// It must come back.
    Lend,
}

/// A field of a payload.
#[derive(Clone, Debug)]
pub struct Field {
    /// Which form.
    pub kind: FieldKind,
    /// Where.
    pub span: Span,
}

/// Which form a payload field has.
#[derive(Clone, Debug)]
pub enum FieldKind {
    /// `own x?: int`, `int`
    Value {
        /// `own` or `lend`
        lend: Option<Lend>,
        /// Its name.
        name: Option<Name>,
        /// `?` behind the name.
        optional: bool,
        /// Its sort.
        sort: Sort,
    },
    /// `P@R`, `own x: P@R`: R's end of P.
    Delegation {
        /// `own` or `lend`
        lend: Option<Lend>,
        /// Its name.
        name: Option<Name>,
        /// The protocol.
        protocol: Name,
        /// The role handed over.
        role: Role,
    },
    /// `return x`
    Return(Name),
}

/// A condition on, or an effect of, a message.
#[derive(Clone, Debug)]
pub struct Opt {
    /// Which.
    pub kind: OptKind,
    /// Where.
    pub span: Span,
}

/// Which option.
#[derive(Clone, Debug)]
pub enum OptKind {
    /// `where e`
    Where(Expr),
    /// `set x@R = e`
    Set {
        /// The variable.
        name: Name,
        /// Whose copy; both ends' if left out.
        at: Option<Role>,
        /// Its new value.
        value: Expr,
    },
    /// `requires w(e, …)`
    Requires {
        /// The witness.
        name: Name,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// `within 5s`
    Within(Duration),
    /// `within [1s, 5s]`
    Window(Duration, Duration),
    /// `every 30s`
    Every(Duration),
    /// `idempotent by (k) for 1h`
    Idempotent(Vec<Expr>, Option<Duration>),
    /// `unique by (k) for 1h`
    Unique(Vec<Expr>, Option<Duration>),
    /// `may retry`
    MayRetry,
}

/// An argument of a `do`.
#[derive(Clone, Debug)]
pub enum TArg {
    /// A sort or the name of a parameter.
    Sort(Sort),
    /// A literal.
    Literal(Expr),
    /// A message signature: `l(int)`, `(int)`.
    Sig(Message),
}

/// A sort with an optional refinement.
#[derive(Clone, Debug)]
pub struct Sort {
    /// Without its refinement.
    pub base: Base,
    /// `{e}`, over `this`.
    pub refinement: Option<Box<Expr>>,
    /// Where.
    pub span: Span,
}

/// A sort without refinement.
#[derive(Clone, Debug)]
pub enum Base {
    /// `int`, `list<int>`, `a.b.T`
    Named {
        /// Its name.
        name: QName,
        /// Its arguments.
        args: Vec<Sort>,
    },
    /// `{x: int, y?: string, ...Env}`
    Record {
        /// In order.
        fields: Vec<RecordField>,
        /// `...` or `...Env` at the end.
        rest: Option<Rest>,
    },
    /// `enum {a, b}`
    Enum(Vec<Name>),
}

/// A field of a record sort.
#[derive(Clone, Debug)]
pub struct RecordField {
    /// Its name.
    pub name: Name,
    /// `?` behind the name.
    pub optional: bool,
    /// Its sort.
    pub sort: Sort,
}

/// `local protocol P at A(role B) in G { … }`
#[derive(Clone, Debug)]
pub struct LocalProtocol {
    /// Attributes.
    pub attrs: Vec<Attr>,
    /// Its name.
    pub name: Name,
    /// Whose; else the role declared by `self`.
    pub at: Option<Role>,
    /// Its parameters.
    pub params: Vec<TParam>,
    /// The roles it speaks with; the flag says `self`.
    pub roles: Vec<(Name, bool)>,
    /// The protocol it belongs to.
    pub within: Option<QName>,
    /// Its variables.
    pub vars: Vec<Var>,
    /// What happens.
    pub body: Vec<Stmt>,
    /// Where.
    pub span: Span,
}

/// `local type T at A in G = …;`
#[derive(Clone, Debug)]
pub struct LocalType {
    /// Attributes.
    pub attrs: Vec<Attr>,
    /// Its name.
    pub name: Name,
    /// Whose.
    pub at: Role,
    /// The protocol it belongs to.
    pub within: Option<QName>,
    /// The type.
    pub body: LType,
    /// Where.
    pub span: Span,
}

/// `system S(role A, role B) { A = …; B = …; }`
#[derive(Clone, Debug)]
pub struct System {
    /// Attributes.
    pub attrs: Vec<Attr>,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<TParam>,
    /// Its roles.
    pub roles: Vec<RoleDecl>,
    /// Channels and variables.
    pub items: Vec<Inner>,
    /// The local types, in order.
    pub types: Vec<(Role, LType)>,
    /// Where.
    pub span: Span,
}

/// A compact local type: a flat chain of prefixes and what ends it.
#[derive(Clone, Debug)]
pub struct LType {
    /// In order.
    pub prefix: Vec<LPrefix>,
    /// What stands behind them.
    pub tail: LTail,
    /// Where.
    pub span: Span,
}

/// A link of a chain.
#[derive(Clone, Debug)]
pub enum LPrefix {
    /// `Q!l(x: int) where (e).`
    Action(LAction),
    /// `rec X [v<R>: int = 0].`
    Rec {
        /// The variable.
        name: Name,
        /// Its data.
        vars: Vec<RecVar>,
        /// Where.
        span: Span,
    },
}

/// `!`, `?` or `:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LAct {
    /// `!`
    Send,
    /// `?`
    Receive,
    /// `:`, with the own role.
    Act,
}

/// One action of a local type.
#[derive(Clone, Debug)]
pub struct LAction {
    /// The peer.
    pub role: Role,
    /// Which way.
    pub act: LAct,
    /// What.
    pub message: Message,
    /// Conditions and effects.
    pub opts: Vec<Opt>,
    /// Where.
    pub span: Span,
}

/// Who decides in `+{…}`, `&{…}`, `*{…}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LMix {
    /// `+`
    Internal,
    /// `&`
    External,
    /// `*`
    Mixed,
}

/// What ends a chain.
#[derive(Clone, Debug)]
pub enum LTail {
    /// `end`
    End(Span),
    /// `X`, `X[e]`
    Var {
        /// The variable.
        name: Name,
        /// Its data.
        args: Vec<Expr>,
    },
    /// `Q!{ l1(). T1, l2(). T2 }`: all arms have the same role and act.
    Select(Vec<LArm>, Span),
    /// `+{ Q!l1(). T1, R!l2(). T2, end }`; with an `end`, the role may also stop.
    Mix(LMix, Vec<LArm>, Option<Span>, Span),
    /// `states { a = T1; b = T2; }`
    States(Vec<(Name, LType)>, Span),
    /// `(T1 || T2)`
    Par(Vec<LType>, Span),
}

/// An arm of a local type.
#[derive(Clone, Debug)]
pub struct LArm {
    /// How it begins.
    pub action: LAction,
    /// How it goes on.
    pub then: LType,
}

/// `check …;`
#[derive(Clone, Debug)]
pub struct Check {
    /// What is claimed.
    pub claim: Claim,
    /// What is expected, `holds` if nothing is said.
    pub expected: Option<Expected>,
    /// Where.
    pub span: Span,
}

/// What a `check` claims.
#[derive(Clone, Debug)]
pub enum Claim {
    /// `S <: T`
    Subtype {
        /// The smaller.
        sub: LRef,
        /// Which relation.
        relation: Relation,
        /// The larger.
        sup: LRef,
    },
    /// `name(P, e, …)`
    Property {
        /// Which.
        name: Name,
        /// Of what.
        target: LRef,
        /// Its arguments, such as a bound.
        args: Vec<Expr>,
    },
}

/// A subtyping relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Not said: asynchronous.
    Default,
    /// `sync`
    Sync,
    /// `async`
    Async,
    /// `fair`
    Fair,
}

/// The verdict that a claim expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `holds`
    Holds,
    /// `violated`
    Violated,
    /// `unknown`
    Unknown,
}

/// `P`, `P<3>`, `P@R`
#[derive(Clone, Debug)]
pub struct LRef {
    /// What.
    pub name: QName,
    /// Its arguments.
    pub args: Vec<TArg>,
    /// Whose part of it.
    pub role: Option<Role>,
    /// Where.
    pub span: Span,
}

/// `trace t accepts P seen at R slack 5s { … }`
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its name.
    pub name: Name,
    /// `accepts`, else `rejects`.
    pub accepts: bool,
    /// Of what.
    pub target: LRef,
    /// How it was observed.
    pub seen: Option<Seen>,
    /// How late an event may be.
    pub slack: Option<Duration>,
    /// In order.
    pub events: Vec<TEvent>,
    /// Where.
    pub span: Span,
}

/// `seen at …`
#[derive(Clone, Debug)]
pub enum Seen {
    /// `once`
    Once,
    /// `send`
    Send,
    /// A role.
    Role(Role),
}

/// One event of a trace.
#[derive(Clone, Debug)]
pub struct TEvent {
    /// Which.
    pub kind: TEventKind,
    /// When.
    pub at: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// Which event.
#[derive(Clone, Debug)]
pub enum TEventKind {
    /// `A -> B: l(1);`, `A!B: l(1);`, `B?A: l(1);`
    Message {
        /// The role on the left.
        left: Role,
        /// What stands between the roles.
        how: How,
        /// The role on the right.
        right: Role,
        /// Its label.
        label: Name,
        /// Its payload, if parentheses were written.
        args: Option<Vec<(Option<Name>, Expr)>>,
    },
    /// `R: l(1);`
    Act {
        /// Who.
        role: Role,
        /// Its label.
        label: Name,
        /// Its payload, if parentheses were written.
        args: Option<Vec<(Option<Name>, Expr)>>,
    },
    /// `crash R;`
    Crash(Role),
    /// `timeout R;`
    Timeout(Role),
    /// `end;`
    End,
}

/// What stands between the two roles of a trace event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `A -> B`: as the trace's observer sees it.
    Both,
    /// `A ! B`: A sends.
    Send,
    /// `B ? A`: B receives.
    Receive,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Which.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Digits, any number of them.
    Int(Box<str>),
    /// Digits, a point, digits.
    Decimal(Box<str>),
    /// Unescaped.
    String(Box<str>),
    /// `5s`
    Duration(Box<str>),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
}

/// Which expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// `x`
    Name(Name),
    /// `f(e, …)`
    Call(Name, Vec<Expr>),
    /// `[e, …]`
    List(Vec<Expr>),
    /// `{e: e, …}`
    Map(Vec<(Expr, Expr)>),
    /// A prefix operator.
    Unary(UnaryOp, Box<Expr>),
    /// A chain of operators of one precedence, from the left: `a + b - c`. A comparison has exactly one.
    Binary(Box<Expr>, Vec<(BinaryOp, Expr)>),
    /// `c ? a : b`
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// What follows a primary: `.x`, `.f(e)`, `[e]`, ` is T`.
    Postfix(Box<Expr>, Vec<Postfix>),
}

/// What follows a primary expression.
#[derive(Clone, Debug)]
pub enum Postfix {
    /// `.x`
    Member(Name),
    /// `.f(e, …)`
    Method(Name, Vec<Expr>),
    /// `[e]`
    Index(Expr),
    /// `is T`
    Is(Name),
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`, `not`
    Not,
    /// `-`
    Minus,
}

/// An operator between two expressions; `=` and `<>` are read as `==` and `!=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}
