//! Random texts of the grammar: every construct, names of all kinds, odd spacing, comments anywhere.

/// A small deterministic source of choices.
pub(crate) struct Grow {
    state: u64,
    /// How much may still be written; nesting stops when it is used up.
    fuel: i32,
    tokens: Vec<String>,
    local: bool,
}

const PLAIN: &[&str] =
    &["A", "B", "C", "x", "y", "Loop", "msg", "größe", "_1", "from", "to", "at", "by", "in", "is", "self", "this"];
const ODD: &[&str] = &[
    "choice",
    "rec",
    "end",
    "var",
    "own",
    "true",
    "not",
    "enum",
    "a b",
    "x-vendor.*",
    "220",
    "5s",
    "states",
    "each",
    "where",
    "sync",
    "once",
    "crash",
    "protocol",
    "check",
    "type",
    "channel",
    "a.b",
    "->",
    "é ü",
    "edition",
    "import",
    "do",
    "send",
    "timeout",
    "lend",
    "return",
    "null",
    "async",
    "set",
    "within",
    "connect",
    "may",
    "global",
    "1_0",
];

impl Grow {
    pub(crate) fn new(seed: u64, fuel: i32) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, fuel, tokens: Vec::new(), local: false }
    }

    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: usize) -> usize {
        (self.random() % n as u64) as usize
    }

    /// Once in `n` times.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn put(&mut self, tokens: &str) {
        self.tokens.extend(tokens.split_whitespace().map(str::to_owned));
        self.fuel -= 1;
    }

    fn pick(&mut self, of: &[&str]) {
        let at = self.below(of.len());
        self.put(of[at]);
    }

    fn name(&mut self) {
        let text = if self.one_in(6) {
            format!("`{}`", ODD[self.below(ODD.len())])
        } else {
            // Some of these are keywords elsewhere: none where names stand first.
            PLAIN[self.below(PLAIN.len())].to_owned()
        };
        self.tokens.push(text);
        self.fuel -= 1;
    }

    fn label(&mut self) {
        match self.below(8) {
            0 => self.put("220"),
            1 => self.put("2fa"),
            2 => {
                self.name();
                self.put(".");
                self.name();
            }
            _ => self.name(),
        }
    }

    /// A label of a compact local type: not dotted.
    fn short_label(&mut self) {
        match self.below(8) {
            0 => self.put("220"),
            1 => self.put("5s"),
            _ => self.name(),
        }
    }

    fn list(&mut self, least: usize, mut one: impl FnMut(&mut Self)) {
        let n = least + if self.fuel > 0 { self.below(3) } else { 0 };
        for i in 0..n {
            if i > 0 {
                self.put(",");
            }
            one(self);
        }
    }

    fn several(&mut self, least: usize, mut one: impl FnMut(&mut Self)) {
        let n = least + if self.fuel > 0 { self.below(3) } else { 0 };
        for _ in 0..n {
            one(self);
        }
    }

    fn qname(&mut self) {
        self.name();
        if self.one_in(4) {
            self.put(".");
            self.name();
        }
    }

    fn role(&mut self) {
        self.name();
        if self.one_in(8) {
            self.put("[");
            self.expr();
            self.put("]");
        }
    }

    fn roles(&mut self) {
        self.list(1, Self::role);
    }

    fn string(&mut self) {
        self.pick(&["\"\"", "\"a\"", "\"a\\\"b\\\\\\n\\u{e9}\"", "\"//\"", "\"`\"", "\"é\""]);
    }

    fn duration(&mut self) {
        if self.one_in(2) {
            self.pick(&["5s", "250ms", "1h", "0ns"]);
        } else {
            self.put("(");
            self.expr();
            self.put(")");
        }
    }

    // ---- expressions and sorts -----------------------------------------------------------------------------------

    pub(crate) fn expr(&mut self) {
        self.or();
        if self.fuel > 0 && self.one_in(10) {
            self.put("?");
            self.expr();
            self.put(":");
            self.expr();
        }
    }

    fn chain(&mut self, ops: &[&str], rare: usize, one: fn(&mut Self)) {
        one(self);
        while self.fuel > 0 && self.one_in(rare) {
            self.pick(ops);
            one(self);
        }
    }

    fn or(&mut self) {
        self.chain(&["||"], 6, Self::and);
    }

    fn and(&mut self) {
        self.chain(&["&&"], 6, Self::comparison);
    }

    fn comparison(&mut self) {
        self.sum();
        if self.fuel > 0 && self.one_in(4) {
            self.pick(&["==", "=", "!=", "<>", "<", "<=", ">", ">=", "in"]);
            self.sum();
        }
    }

    fn sum(&mut self) {
        self.chain(&["+", "-"], 5, Self::product);
    }

    fn product(&mut self) {
        self.chain(&["*", "/", "%"], 6, Self::unary);
    }

    fn unary(&mut self) {
        if self.fuel > 0 && self.one_in(8) {
            self.pick(&["!", "-", "not"]);
            return self.unary();
        }
        self.primary();
        while self.fuel > 0 && self.one_in(6) {
            match self.below(4) {
                0 => {
                    self.put(".");
                    self.name();
                }
                1 => {
                    self.put(".");
                    self.name();
                    self.args();
                }
                2 => {
                    self.put("[");
                    self.expr();
                    self.put("]");
                }
                _ => {
                    self.put("is");
                    self.name();
                }
            }
        }
    }

    fn args(&mut self) {
        self.put("(");
        self.list(0, Self::expr);
        self.put(")");
    }

    fn literal(&mut self) {
        match self.below(4) {
            0 => self.string(),
            _ => self.pick(&["0", "17", "123456789012345678901234567890", "3.14", "true", "false", "null", "5s"]),
        }
    }

    fn primary(&mut self) {
        match if self.fuel > 0 { self.below(9) } else { self.below(2) } {
            0 | 2 => self.literal(),
            1 | 3 | 4 => self.name(),
            5 => {
                self.name();
                self.args();
            }
            6 => {
                self.put("(");
                self.expr();
                self.put(")");
            }
            7 => {
                self.put("[");
                self.list(0, Self::expr);
                self.put("]");
            }
            _ => {
                self.put("{");
                self.list(0, |grow| {
                    grow.expr();
                    grow.put(":");
                    grow.expr();
                });
                self.put("}");
            }
        }
    }

    pub(crate) fn sort(&mut self) {
        self.base();
        if self.fuel > 0 && self.one_in(5) {
            self.put("{");
            self.expr();
            self.put("}");
        }
    }

    fn base(&mut self) {
        match if self.fuel > 0 { self.below(7) } else { 0 } {
            0..=3 => self.qname(),
            4 => {
                self.qname();
                self.put("<");
                self.list(1, Self::sort);
                self.put(">");
            }
            5 => {
                self.put("{");
                self.list(0, |grow| {
                    grow.name();
                    if grow.one_in(3) {
                        grow.put("?");
                    }
                    grow.put(":");
                    grow.sort();
                });
                if self.one_in(3) {
                    if self.tokens.last().is_some_and(|last| last != "{") {
                        self.put(",");
                    }
                    self.rest();
                }
                self.put("}");
            }
            _ => {
                self.put("enum {");
                self.list(1, Self::name);
                self.put("}");
            }
        }
    }

    fn rest(&mut self) {
        self.put("...");
        if self.one_in(2) {
            self.qname();
        }
    }

    fn field(&mut self) {
        match self.below(10) {
            0 => {
                self.put("return");
                self.name();
            }
            1 => {
                self.name();
                self.put("@");
                self.role();
            }
            2 => {
                self.name();
                self.put(":");
                self.name();
                self.put("@");
                self.role();
            }
            n => {
                if self.one_in(6) {
                    self.pick(&["own", "lend"]);
                }
                if n > 4 {
                    self.name();
                    if self.one_in(4) {
                        self.put("?");
                    }
                    self.put(":");
                }
                self.sort();
            }
        }
    }

    fn payload(&mut self) {
        self.put("(");
        self.list(0, Self::field);
        if self.one_in(8) {
            if self.tokens.last().is_some_and(|last| last != "(") {
                self.put(",");
            }
            self.rest();
        }
        self.put(")");
    }

    fn message(&mut self, short: bool) {
        if self.one_in(12) {
            return self.payload();
        }
        if short {
            self.short_label()
        } else {
            self.label()
        }
        if !self.one_in(5) {
            self.payload();
        }
    }

    fn opts(&mut self, parens: bool) {
        let expr = |grow: &mut Self| {
            if parens {
                grow.put("(");
            }
            grow.expr();
            if parens {
                grow.put(")");
            }
        };
        while self.fuel > 0 && self.one_in(3) {
            match self.below(8) {
                0 => {
                    self.put("where");
                    expr(self);
                }
                1 => {
                    self.put("set");
                    self.name();
                    if !parens && self.one_in(3) {
                        self.put("@");
                        self.role();
                    }
                    self.put("=");
                    expr(self);
                }
                2 => {
                    self.put("requires");
                    self.name();
                    if self.one_in(2) {
                        self.put("(");
                        self.list(1, Self::expr);
                        self.put(")");
                    }
                }
                3 => {
                    self.put("within");
                    self.duration();
                }
                4 => {
                    self.put("within [");
                    self.duration();
                    self.put(",");
                    self.duration();
                    self.put("]");
                }
                5 => {
                    self.put("every");
                    self.duration();
                }
                6 => {
                    self.pick(&["idempotent by (", "unique by ("]);
                    self.list(1, Self::expr);
                    self.put(")");
                    if self.one_in(2) {
                        self.put("for");
                        self.duration();
                    }
                }
                _ => self.put("may retry"),
            }
        }
    }

    // ---- statements ----------------------------------------------------------------------------------------------

    fn var(&mut self) {
        self.put("var");
        self.name();
        if self.one_in(3) {
            self.put("<");
            self.list(0, Self::role);
            self.put(">");
        }
        self.put(":");
        self.sort();
        self.put("=");
        self.expr();
        self.put(";");
    }

    fn block(&mut self) {
        self.put("{");
        if self.one_in(8) {
            self.var();
        }
        self.several(0, Self::stmt);
        self.put("}");
    }

    fn annotation(&mut self) {
        if self.one_in(10) {
            self.put("@");
            self.string();
        }
    }

    fn rec_vars(&mut self) {
        if self.one_in(3) {
            self.put("[");
            self.list(1, |grow| {
                grow.name();
                grow.put("<");
                grow.roles();
                grow.put("> :");
                match grow.below(4) {
                    0 => {
                        grow.name();
                        grow.put(":");
                        grow.sort();
                    }
                    1 => {
                        grow.put("(");
                        grow.name();
                        grow.put(":");
                        grow.sort();
                        grow.put(")");
                    }
                    _ => grow.sort(),
                }
                grow.put("=");
                grow.expr();
            });
            self.put("]");
        }
    }

    fn simple(&mut self) {
        if self.one_in(6) {
            self.role();
            self.put(":");
            self.message(false);
            self.opts(false);
            return self.put(";");
        }
        if self.local {
            match self.below(4) {
                0 => {
                    self.message(false);
                    self.put("to");
                    self.roles();
                }
                1 => {
                    self.message(false);
                    self.put("from");
                    self.role();
                }
                _ => {
                    self.role();
                    self.pick(&["!", "?"]);
                    self.message(false);
                }
            }
            self.opts(false);
            return self.put(";");
        }
        match self.below(5) {
            0 => {
                self.message(false);
                self.put("from");
                self.role();
                self.put("to");
                self.roles();
            }
            1 => {
                self.role();
                self.put("->");
                self.roles();
                self.put(": {");
                self.list(1, |grow| {
                    grow.message(false);
                    grow.opts(false);
                    if grow.one_in(2) {
                        grow.put("=>");
                        grow.block();
                    }
                });
                if self.one_in(3) {
                    self.put(",");
                }
                return self.put("}");
            }
            _ => {
                self.role();
                self.put("->");
                self.roles();
                self.put(":");
                self.message(false);
            }
        }
        self.opts(false);
        self.put(";");
        self.annotation();
    }

    fn stmt(&mut self) {
        let kinds = if self.local { 14 } else { 20 };
        match if self.fuel > 0 { self.below(kinds) } else { 0 } {
            0..=4 => self.simple(),
            5 => {
                self.put("choice at");
                self.role();
                self.block();
                self.several(0, |grow| {
                    grow.put("or");
                    grow.block();
                });
            }
            6 => {
                self.put("rec");
                self.name();
                self.rec_vars();
                self.block();
            }
            7 => {
                self.put("states {");
                self.several(1, |grow| {
                    grow.name();
                    grow.block();
                });
                self.put("}");
            }
            8 => {
                self.put("continue");
                self.name();
                if self.one_in(3) {
                    self.put("[");
                    self.list(1, Self::expr);
                    self.put("]");
                }
                self.put(";");
            }
            9 => {
                self.put("do");
                if self.one_in(3) {
                    self.name();
                    self.put(":");
                }
                self.qname();
                if self.one_in(3) {
                    self.put("<");
                    self.list(0, Self::targ);
                    self.put(">");
                }
                self.put("(");
                self.roles();
                self.put(") ;");
            }
            10 => {
                self.put("par");
                self.block();
                self.several(1, |grow| {
                    grow.put("and");
                    grow.block();
                });
            }
            11 => {
                self.put("during");
                self.opts(false);
                if self.one_in(2) {
                    self.block();
                }
                self.several(1, |grow| {
                    grow.put("interleave");
                    if grow.one_in(2) {
                        // Options' words would be keywords here.
                        grow.name();
                    }
                    match grow.below(3) {
                        0 => {
                            grow.put("each (");
                            grow.list(1, Self::key);
                            grow.put(")");
                        }
                        1 => {
                            grow.put("each");
                            grow.key();
                        }
                        _ => {}
                    }
                    grow.opts(false);
                    grow.block();
                });
            }
            12 => {
                self.put("try");
                self.block();
                self.several(1, |grow| {
                    grow.put("on");
                    match grow.below(3) {
                        0 => {
                            grow.pick(&["timeout", "idle", "deadline"]);
                            grow.duration();
                            grow.put("at");
                            grow.role();
                        }
                        1 => {
                            grow.put("crash");
                            grow.role();
                        }
                        _ => {
                            grow.put("interrupt");
                            grow.message(false);
                            grow.opts(false);
                            grow.put("by");
                            grow.role();
                        }
                    }
                    grow.block();
                });
            }
            13 => {
                self.put("assert");
                self.expr();
                self.put(";");
            }
            14 => {
                self.put("interruptible");
                if self.one_in(2) {
                    self.name();
                }
                self.block();
                self.put("with {");
                self.several(0, |grow| {
                    grow.message(false);
                    grow.opts(false);
                    grow.put("by");
                    grow.role();
                    grow.put(";");
                });
                self.put("}");
            }
            15 => {
                self.put("foreach");
                self.name();
                self.put("in");
                self.expr();
                self.put("..");
                self.expr();
                self.block();
            }
            16 => {
                self.role();
                self.put("calls");
                self.name();
                self.put("(");
                self.roles();
                self.put(") ;");
            }
            17 => {
                if self.one_in(2) {
                    self.message(false);
                }
                self.put("connect");
                self.role();
                self.put("to");
                self.role();
                self.put(";");
            }
            n => {
                let (word, between) = if n == 18 { ("disconnect", "and") } else { ("wrap", "to") };
                self.put(word);
                self.role();
                self.put(between);
                self.role();
                self.put(";");
            }
        }
    }

    fn key(&mut self) {
        self.name();
        self.put(":");
        self.base();
        if self.one_in(3) {
            self.pick(&["reusable", "rising"]);
        }
    }

    fn targ(&mut self) {
        match self.below(3) {
            0 => self.sort(),
            1 => self.literal(),
            _ => {
                if self.one_in(2) {
                    self.short_label();
                }
                self.payload();
            }
        }
    }

    // ---- local types ---------------------------------------------------------------------------------------------

    fn arm(&mut self) {
        self.message(true);
        self.opts(true);
        self.put(".");
        self.ltype();
    }

    pub(crate) fn ltype(&mut self) {
        while self.fuel > 0 && self.one_in(2) {
            if self.one_in(4) {
                self.put("rec");
                self.name();
                self.rec_vars();
                self.put(".");
            } else {
                self.role();
                self.pick(&["!", "?", ":"]);
                self.message(true);
                self.opts(true);
                self.put(".");
            }
        }
        match if self.fuel > 0 { self.below(8) } else { self.below(2) } {
            0 => self.put("end"),
            1 => {
                self.name();
                if self.fuel > 0 && self.one_in(3) {
                    self.put("[");
                    self.list(1, Self::expr);
                    self.put("]");
                }
            }
            2 | 3 => {
                self.role();
                self.pick(&["!", "?", ":"]);
                self.put("{");
                self.list(1, Self::arm);
                self.put("}");
            }
            4 | 5 => {
                self.pick(&["+", "&", "*"]);
                self.put("{");
                self.list(1, |grow| {
                    grow.role();
                    grow.pick(&["!", "?", ":"]);
                    grow.arm();
                });
                self.put("}");
            }
            6 => {
                self.put("states {");
                self.several(1, |grow| {
                    grow.name();
                    grow.put("=");
                    grow.ltype();
                    grow.put(";");
                });
                self.put("}");
            }
            _ => {
                self.put("(");
                self.ltype();
                self.several(0, |grow| {
                    grow.put("||");
                    grow.ltype();
                });
                self.put(")");
            }
        }
    }

    // ---- declarations --------------------------------------------------------------------------------------------

    fn tparams(&mut self) {
        if self.one_in(4) {
            self.put("<");
            self.list(1, |grow| {
                if grow.one_in(2) {
                    grow.pick(&["type", "data", "sig"]);
                    grow.name();
                } else {
                    grow.put("const");
                    grow.name();
                    grow.put(":");
                    grow.sort();
                }
            });
            self.put(">");
        }
    }

    fn role_decl(&mut self) {
        if self.one_in(5) {
            self.put("unreliable");
        }
        self.put("role");
        self.role();
    }

    fn attrs(&mut self) {
        while self.one_in(6) {
            self.put("@");
            self.name();
            if self.one_in(2) {
                self.put("(");
                self.list(1, Self::literal);
                self.put(")");
            }
        }
    }

    fn protocol(&mut self, nested: bool) {
        self.attrs();
        while self.one_in(6) {
            self.pick(&["aux", "explicit"]);
        }
        let head =
            if nested { &["nested protocol", "protocol"][..] } else { &["protocol", "global protocol", "global"] };
        self.pick(head);
        if self.tokens.last().is_some_and(|last| last == "global") {
            self.put("G");
        } else {
            self.name();
        }
        self.tparams();
        self.put("(");
        self.list(1, Self::role_decl);
        if self.one_in(8) {
            self.put("; new");
            self.list(1, Self::role_decl);
        }
        self.put(")");
        self.annotation();
        self.put("{");
        while self.fuel > 0 && self.one_in(4) {
            match self.below(3) {
                0 => self.var(),
                1 => self.channel(),
                _ => self.protocol(true),
            }
        }
        let local = std::mem::replace(&mut self.local, false);
        self.several(1, Self::stmt);
        self.local = local;
        self.put("}");
    }

    fn channel(&mut self) {
        self.put("channel");
        self.role();
        self.put("->");
        self.role();
        self.put(":");
        self.pick(&["fifo", "sync", "lossy", "latest", "bounded ( 3 )"]);
        self.put(";");
    }

    fn lref(&mut self) {
        self.qname();
        if self.one_in(4) {
            self.put("<");
            self.list(0, Self::targ);
            self.put(">");
        }
        if self.one_in(3) {
            self.put("@");
            self.role();
        }
    }

    fn verdict(&mut self) {
        if self.one_in(2) {
            self.pick(&["is holds", "is violated", "is unknown"]);
        }
    }

    fn event(&mut self) {
        match self.below(6) {
            0 => return self.put("end ;"),
            1 => {
                self.pick(&["crash", "timeout"]);
                self.role();
                return self.put(";");
            }
            2 => self.role(),
            _ => {
                self.role();
                self.pick(&["->", "!", "?"]);
                self.role();
            }
        }
        self.put(":");
        self.label();
        if self.one_in(2) {
            self.put("(");
            self.list(0, |grow| {
                if grow.one_in(2) {
                    grow.name();
                    grow.put(":");
                }
                grow.expr();
            });
            self.put(")");
        }
        if self.one_in(4) {
            self.put("at");
            self.expr();
        }
        self.put(";");
    }

    pub(crate) fn item(&mut self) {
        match self.below(13) {
            0 => {
                self.put("import");
                self.qname();
                if self.one_in(2) {
                    self.put("as");
                    self.name();
                }
                self.put(";");
            }
            1 => {
                self.put("type");
                self.name();
                self.tparams();
                self.put("=");
                self.sort();
                self.put(";");
            }
            2 => {
                self.pick(&["type <", "data <", "sig <"]);
                self.name();
                self.put(">");
                self.string();
                self.put("from");
                self.string();
                self.put("as");
                self.short_label();
                self.put(";");
            }
            3 => {
                self.put("extern predicate");
                self.name();
                self.put("(");
                self.list(0, Self::sort);
                self.put(") ;");
            }
            4 => {
                self.put("def");
                self.name();
                self.put("(");
                self.list(0, |grow| {
                    grow.name();
                    grow.put(":");
                    grow.sort();
                });
                self.put(") =");
                self.expr();
                self.put(";");
            }
            5 | 6 => self.protocol(false),
            7 => {
                self.attrs();
                self.put("local protocol");
                self.name();
                if self.one_in(2) {
                    self.put("at");
                    self.role();
                }
                self.tparams();
                self.put("(");
                self.list(1, |grow| {
                    grow.pick(&["role", "self"]);
                    grow.name();
                });
                self.put(")");
                if self.one_in(3) {
                    self.put("in");
                    self.qname();
                }
                self.put("{");
                if self.one_in(3) {
                    self.var();
                }
                self.local = true;
                self.several(1, Self::stmt);
                self.local = false;
                self.put("}");
            }
            8 => {
                self.attrs();
                self.put("local type");
                self.name();
                self.put("at");
                self.role();
                if self.one_in(3) {
                    self.put("in");
                    self.qname();
                }
                self.put("=");
                self.ltype();
                self.put(";");
            }
            9 => {
                self.attrs();
                self.put("system");
                self.name();
                self.tparams();
                self.put("(");
                self.list(1, Self::role_decl);
                self.put(") {");
                while self.one_in(3) {
                    if self.one_in(2) { self.var() } else { self.channel() }
                }
                self.several(1, |grow| {
                    grow.role();
                    grow.put("=");
                    grow.ltype();
                    grow.put(";");
                });
                self.put("}");
            }
            10 => {
                self.put("check");
                self.lref();
                self.put("<:");
                if self.one_in(2) {
                    self.pick(&["sync", "async", "fair"]);
                }
                self.lref();
                self.verdict();
                self.put(";");
            }
            11 => {
                self.put("check");
                self.name();
                self.put("(");
                self.lref();
                while self.one_in(3) {
                    self.put(",");
                    self.expr();
                }
                self.put(")");
                self.verdict();
                self.put(";");
            }
            _ => {
                self.put("trace");
                self.name();
                self.pick(&["accepts", "rejects"]);
                self.lref();
                match self.below(4) {
                    0 => self.pick(&["seen at once", "seen at send"]),
                    1 => {
                        self.put("seen at");
                        self.role();
                    }
                    _ => {}
                }
                if self.one_in(3) {
                    self.put("slack");
                    self.duration();
                }
                self.put("{");
                self.several(0, Self::event);
                self.put("}");
            }
        }
    }

    /// A whole file: tokens with spaces, line breaks and, if asked for, comments between them.
    pub(crate) fn file(mut self, comments: bool) -> String {
        let fuel = self.fuel;
        if self.one_in(10) {
            self.put("@ edition ( \"2026\" ) ;");
        }
        if self.one_in(10) {
            self.put("module");
            self.qname();
            self.put(";");
        }
        for _ in 0..1 + self.below(4) {
            self.fuel = fuel;
            self.item();
        }
        let tokens = std::mem::take(&mut self.tokens);
        let mut out = String::new();
        for token in &tokens {
            out.push_str(token);
            // Comments may be rare or frequent in a file.
            match self.below(if comments { 24 } else { 12 }) {
                0..=2 => out.push('\n'),
                3 => out.push_str("\n\n\n  "),
                4 => out.push('\t'),
                5 => out.push_str("\r\n"),
                12 => out.push_str(" // line\n"),
                13 => out.push_str("\n  // own line\n"),
                14 => out.push_str(" /* block */ "),
                15 => out.push_str(" (* block (* nested *) *) "),
                16 => out.push_str("\n/* own\n   lines */\n"),
                17 => out.push_str("\n\n/// doc\n"),
                18 => out.push_str(" /* a */ /* b */ // c\n"),
                19 => out.push_str(" /* two\nlines */ "),
                20 => out.push_str(" (*) line\n"),
                21 => out.push_str("\n  /* before */ "),
                22 => out.push_str(" /* behind */\n"),
                _ => out.push(' '),
            }
        }
        out
    }
}
