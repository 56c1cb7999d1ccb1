//! Random expressions, typed by construction, from choices that shrink: no choices left means the smallest one.

/// The sorts that are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Text,
    Ints,
    Map,
    Set,
    Decimal,
    Json,
}

pub(crate) struct Choices<'c> {
    left: &'c [u8],
    /// Only what CEL has, too.
    common: bool,
    /// Variables of macros around, by what they are.
    bound: Vec<Kind>,
}

/// Names of every kind, as [`super::env`] holds them.
fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Bool => &["b", "unset"],
        Kind::Int => &["i", "j", "r.a", "r.c", "o"],
        Kind::Text => &["s", "t", "r.n"],
        Kind::Ints => &["l", "r.l"],
        Kind::Map => &["m"],
        Kind::Set => &["z"],
        Kind::Decimal => &["d"],
        Kind::Json => &["x", "x.k", "x.k.k", "x.l"],
    }
}

impl<'c> Choices<'c> {
    pub(crate) fn new(left: &'c [u8], common: bool) -> Self {
        Self { left, common, bound: Vec::new() }
    }

    fn next(&mut self, of: usize) -> usize {
        match self.left.split_first() {
            Some((first, left)) => {
                self.left = left;
                usize::from(*first) % of
            }
            None => 0,
        }
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.next(of.len())]
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let bound: Vec<usize> = (0..self.bound.len()).filter(|&at| self.bound[at] == kind).collect();
        if !bound.is_empty() && self.next(2) == 0 {
            return format!("v{}", bound[self.next(bound.len())]);
        }
        let common = self.common;
        let names: Vec<&str> =
            names(kind).iter().copied().filter(|name| !common || !["o", "unset"].contains(name)).collect();
        if !names.is_empty() && self.next(3) != 0 {
            return self.pick(&names).to_owned();
        }
        match kind {
            Kind::Bool => self.pick(&["true", "false"]),
            Kind::Int => self.pick(&["0", "1", "2", "(-1)", "7", "9223372036854775807", "(-9223372036854775807)"]),
            Kind::Text => self.pick(&["\"\"", "\"a\"", "\"ab\"", "\"äx\"", "\"cost.a\""]),
            Kind::Ints => self.pick(&["[1]", "[0, 2, 1]", "[3, 3]"]),
            Kind::Map => self.pick(&["{\"a\": 1}", "{\"a\": 0, \"b\": 2}"]),
            Kind::Set => "z",
            Kind::Decimal => self.pick(&["0.5", "1.25", "2.0", "(-0.1)"]),
            Kind::Json => "x",
        }
        .to_owned()
    }

    pub(crate) fn expr(&mut self, kind: Kind, depth: usize) -> String {
        if depth == 0 || self.left.is_empty() {
            return self.leaf(kind);
        }
        let d = depth - 1;
        let common = self.common;
        let deep = |choices: &mut Self, kind| choices.expr(kind, d);
        match kind {
            Kind::Bool => match self.next(if common { 14 } else { 22 }) {
                0 => self.leaf(kind),
                1 | 2 => format!("({} && {})", deep(self, Kind::Bool), deep(self, Kind::Bool)),
                3 | 4 => format!("({} || {})", deep(self, Kind::Bool), deep(self, Kind::Bool)),
                5 => format!("!{}", self.expr(Kind::Bool, d)),
                6 => {
                    let op = self.pick(&["==", "!=", "<", "<=", ">", ">="]);
                    format!("({} {op} {})", deep(self, Kind::Int), deep(self, Kind::Int))
                }
                7 => {
                    let op = self.pick(&["==", "!=", "<", ">="]);
                    format!("({} {op} {})", deep(self, Kind::Text), deep(self, Kind::Text))
                }
                8 => format!("({} in {})", deep(self, Kind::Int), deep(self, Kind::Ints)),
                9 => format!("({} in {})", deep(self, Kind::Text), deep(self, Kind::Map)),
                10 => {
                    let (over, name) = (deep(self, Kind::Ints), self.bound.len());
                    let word = self.pick(&["all", "exists"]);
                    format!("{over}.{word}(v{name}, {})", self.within(Kind::Int, Kind::Bool, d))
                }
                11 => {
                    let (over, name) = (deep(self, Kind::Map), self.bound.len());
                    let word = self.pick(&["all", "exists"]);
                    format!("{over}.{word}(v{name}, {})", self.within(Kind::Text, Kind::Bool, d))
                }
                12 => {
                    let word = self.pick(&["startsWith", "endsWith", "contains"]);
                    format!("{}.{word}({})", deep(self, Kind::Text), deep(self, Kind::Text))
                }
                13 => format!("({} ? {} : {})", deep(self, Kind::Bool), deep(self, Kind::Bool), deep(self, Kind::Bool)),
                14 => {
                    let op = self.pick(&["==", "<", ">="]);
                    format!("({} {op} {})", deep(self, Kind::Decimal), deep(self, Kind::Decimal))
                }
                15 => format!("({} in {})", deep(self, Kind::Text), deep(self, Kind::Set)),
                16 => format!("has({})", self.pick(&["unset", "o", "r.b", "r.b.c", "x.k", "x.q.k", "i"])),
                17 => format!("glob(\"{}\", {})", self.pick(&["*", "cost.*", "?b", "a*"]), deep(self, Kind::Text)),
                18 => {
                    let op = self.pick(&["==", "!=", "<"]);
                    format!("({} {op} {})", deep(self, Kind::Json), deep(self, Kind::Int))
                }
                19 => format!("({} == {})", deep(self, Kind::Json), deep(self, Kind::Text)),
                20 => format!("({} is {})", deep(self, Kind::Json), self.pick(&["int", "string", "json", "bool"])),
                _ => format!("even({})", deep(self, Kind::Int)),
            },
            Kind::Int => match self.next(if common { 9 } else { 15 }) {
                0 => self.leaf(kind),
                1..=3 => {
                    let op = self.pick(&["+", "-", "*", "/", "%"]);
                    format!("({} {op} {})", deep(self, Kind::Int), deep(self, Kind::Int))
                }
                4 => format!("(-{})", deep(self, Kind::Int)),
                5 => format!("size({})", deep(self, Kind::Ints)),
                6 => format!("{}[{}]", deep(self, Kind::Ints), deep(self, Kind::Int)),
                7 => format!("{}[{}]", deep(self, Kind::Map), deep(self, Kind::Text)),
                8 => format!("({} ? {} : {})", deep(self, Kind::Bool), deep(self, Kind::Int), deep(self, Kind::Int)),
                9 => format!("min({}, {})", deep(self, Kind::Int), deep(self, Kind::Int)),
                10 => format!("max({})", deep(self, Kind::Ints)),
                11 => format!("get({}, {}, {})", deep(self, Kind::Map), deep(self, Kind::Text), deep(self, Kind::Int)),
                12 => format!("int({})", deep(self, Kind::Text)),
                13 => format!("size({})", deep(self, Kind::Set)),
                _ => format!("twice({})", deep(self, Kind::Int)),
            },
            Kind::Text => match self.next(if common { 4 } else { 6 }) {
                0 | 1 => self.leaf(kind),
                2 => format!("({} + {})", deep(self, Kind::Text), deep(self, Kind::Text)),
                3 => format!("({} ? {} : {})", deep(self, Kind::Bool), deep(self, Kind::Text), deep(self, Kind::Text)),
                4 => format!("lower({})", deep(self, Kind::Text)),
                _ => format!("string({})", deep(self, Kind::Int)),
            },
            Kind::Ints => match self.next(if common { 6 } else { 8 }) {
                0 | 1 => self.leaf(kind),
                2 => format!("({} + {})", deep(self, Kind::Ints), deep(self, Kind::Ints)),
                3 => format!("[{}, {}]", deep(self, Kind::Int), deep(self, Kind::Int)),
                4 => {
                    let (over, name) = (deep(self, Kind::Ints), self.bound.len());
                    format!("{over}.map(v{name}, {})", self.within(Kind::Int, Kind::Int, d))
                }
                5 => {
                    let (over, name) = (deep(self, Kind::Ints), self.bound.len());
                    format!("{over}.filter(v{name}, {})", self.within(Kind::Int, Kind::Bool, d))
                }
                6 => format!("tail({})", deep(self, Kind::Ints)),
                _ => format!("x.l.map(e, int(e) + {})", deep(self, Kind::Int)),
            },
            Kind::Map => match self.next(if common { 2 } else { 4 }) {
                0 => self.leaf(kind),
                1 => format!("{{\"a\": {}, \"c\": {}}}", deep(self, Kind::Int), deep(self, Kind::Int)),
                2 => format!("put({}, {}, {})", deep(self, Kind::Map), deep(self, Kind::Text), deep(self, Kind::Int)),
                _ => format!("remove({}, {})", deep(self, Kind::Map), deep(self, Kind::Text)),
            },
            Kind::Set => match self.next(4) {
                0 => self.leaf(kind),
                1 => format!("add({}, {})", deep(self, Kind::Set), deep(self, Kind::Text)),
                2 => format!("remove({}, {})", deep(self, Kind::Set), deep(self, Kind::Text)),
                _ => {
                    let (over, name) = (deep(self, Kind::Set), self.bound.len());
                    format!("{over}.filter(v{name}, {})", self.within(Kind::Text, Kind::Bool, d))
                }
            },
            Kind::Decimal => match self.next(4) {
                0 => self.leaf(kind),
                1 => {
                    let op = self.pick(&["+", "-", "*", "/"]);
                    format!("({} {op} {})", deep(self, Kind::Decimal), deep(self, Kind::Decimal))
                }
                2 => format!("div({}, {}, 3)", deep(self, Kind::Int), deep(self, Kind::Decimal)),
                _ => format!("({} + {})", deep(self, Kind::Decimal), deep(self, Kind::Int)),
            },
            Kind::Json => match self.next(3) {
                0 => self.leaf(kind),
                1 => format!("x.l[{}]", deep(self, Kind::Int)),
                _ => format!("({} + {})", deep(self, Kind::Json), deep(self, Kind::Int)),
            },
        }
    }

    /// An expression that may speak of one name more.
    fn within(&mut self, of: Kind, kind: Kind, depth: usize) -> String {
        self.bound.push(of);
        let text = self.expr(kind, depth);
        self.bound.pop();
        text
    }
}
