//! A place to try expressions at: names with sorts and values, given as texts.

use std::{collections::BTreeMap, sync::Arc};

use polylogue::{
    data::{
        Builtin, Code, Def, Definition, Env, Fault, Named, Payload, Place, Redaction, Scope, Slot, Sort, This, Value,
        Why, compile, define, read, write,
    },
    diag::{Diagnostic, Sources},
    protocol::{NoImports, lower},
    syntax::{self, tree},
};

#[derive(Default, Clone)]
pub(crate) struct Bench {
    names: BTreeMap<String, (Slot, Sort)>,
    values: Vec<Option<Value>>,
    defs: BTreeMap<String, Arc<Def>>,
    now: Option<i64>,
}

/// The only item of a text.
fn item(text: &str, sources: &mut Sources) -> tree::Item {
    let file = sources.add("test.mpst", text).unwrap();
    let (tree, found) = syntax::parse(file, text);
    assert!(found.is_empty(), "{text}: {found:#?}");
    tree.items.into_iter().next().unwrap()
}

pub(crate) fn expr(text: &str, sources: &mut Sources) -> tree::Expr {
    let tree::Item::Def(def) = item(&format!("def test() = {text};"), sources) else { panic!("{text}") };
    def.body
}

/// A sort, by its text.
pub(crate) fn sort(text: &str) -> Sort {
    let mut sources = Sources::new();
    let tree::Item::Type(decl) = item(&format!("type T = {text};"), &mut sources) else { panic!("{text}") };
    resolve(&decl.sort, &sources)
}

/// A sort of built-in words only.
fn resolve(sort: &tree::Sort, sources: &Sources) -> Sort {
    let base = match &sort.base {
        tree::Base::Enum(names) => Sort::Enum(names.iter().map(|name| Arc::from(&*name.text)).collect()),
        tree::Base::Record { fields, rest } => Sort::Record(Payload {
            fields: fields
                .iter()
                .map(|field| polylogue::data::Field {
                    name: Some(Arc::from(&*field.name.text)),
                    optional: field.optional,
                    sort: resolve(&field.sort, sources),
                })
                .collect(),
            open: rest.is_some(),
        }),
        tree::Base::Named { name, args } => {
            let mut args = args.iter().map(|arg| Box::new(resolve(arg, sources)));
            let mut next = || args.next().unwrap();
            match &*name.parts[0].text {
                "list" => Sort::List(next()),
                "set" => Sort::Set(next()),
                "option" => Sort::Option(next()),
                "secret" => Sort::Secret(next()),
                "map" => Sort::Map(next(), next()),
                word => Builtin::ALL
                    .into_iter()
                    .find(|builtin| builtin.word() == word)
                    .map_or_else(|| Sort::Opaque(word.into()), Sort::Builtin),
            }
        }
    };
    match &sort.refinement {
        None => base,
        Some(condition) => {
            let bench = Bench::new();
            let scope = This { sort: &base, around: &bench };
            let code = compile(condition, &scope, Some(&Sort::BOOL), sources).unwrap();
            Sort::Refined(Box::new(base), code)
        }
    }
}

pub(crate) fn json(value: &Value) -> String {
    write(value, None, &Redaction::new(b"test"), &|_| false)
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn name(mut self, name: &str, of: Sort, value: Option<Value>) -> Self {
        let slot = Slot(u32::try_from(self.values.len()).unwrap());
        self.names.insert(name.to_owned(), (slot, of));
        self.values.push(value);
        self
    }

    pub(crate) fn with(self, name: &str, of: &str, json: &str) -> Self {
        let of = sort(of);
        let value = read(&of, json.as_bytes()).unwrap();
        self.name(name, of, Some(value))
    }

    pub(crate) fn unset(self, name: &str, of: &str) -> Self {
        self.name(name, sort(of), None)
    }

    pub(crate) fn at(mut self, time: &str) -> Self {
        let time = read(&sort("timestamp"), format!("\"{time}\"").as_bytes()).unwrap();
        let Value::Timestamp(micros) = time else { panic!() };
        self.now = Some(micros);
        self
    }

    /// With the `def`s of a text.
    pub(crate) fn defs(mut self, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let mut sources = Sources::new();
        let file = sources.add("defs.mpst", text).unwrap();
        let (tree, found) = syntax::parse(file, text);
        assert!(found.is_empty(), "{found:#?}");
        let definitions: Vec<Definition<'_>> = tree
            .items
            .iter()
            .map(|item| {
                let tree::Item::Def(def) = item else { panic!() };
                Definition {
                    name: &def.name.text,
                    span: def.name.span,
                    params: def
                        .params
                        .iter()
                        .map(|(name, sort)| (name.text.clone(), resolve(sort, &sources)))
                        .collect(),
                    body: &def.body,
                }
            })
            .collect();
        let (defs, found) = define(&definitions, &self);
        if !found.is_empty() {
            return Err(found);
        }
        for (definition, def) in definitions.iter().zip(defs) {
            self.defs.insert(definition.name.to_owned(), def.unwrap());
        }
        Ok(self)
    }

    /// What a name holds.
    pub(crate) fn value(&self, name: &str) -> &Value {
        self.slot(self.names[name].0).unwrap()
    }

    pub(crate) fn compile(&self, text: &str, wanted: Option<&Sort>) -> Result<Code, Vec<Diagnostic>> {
        let mut sources = Sources::new();
        let expr = expr(text, &mut sources);
        compile(&expr, self, wanted, &sources)
    }

    /// What the bytecode gives, which must be what walking the tree gives.
    pub(crate) fn both(&self, code: &Code) -> Result<Value, Fault> {
        let (fast, slow) = (code.eval(self), code.walk(self));
        for found in [&fast, &code.run(self)] {
            match (found, &slow) {
                // Where the steps run out is not the same, that they do is.
                (Err(found), Err(slow)) if matches!(slow.why(), Why::Limit(_)) => {
                    assert_eq!(found.why(), slow.why(), "{code}");
                }
                _ => assert_eq!(found, &slow, "{code}\n{:#?}", code.tree()),
            }
        }
        fast
    }

    /// The JSON of what an expression gives, or why it gives nothing.
    pub(crate) fn show(&self, text: &str) -> String {
        match self.compile(text, None) {
            Err(found) => format!("error: {}", found[0].text),
            Ok(code) => match self.both(&code) {
                Ok(value) => json(&value),
                Err(fault) => format!("fault: {fault}"),
            },
        }
    }
}

impl Scope for Bench {
    fn resolve(&self, name: &str) -> Option<Named> {
        let (slot, sort) = self.names.get(name)?;
        Some(Named::Slot(Place { slot: *slot, sort: sort.clone() }))
    }

    fn def(&self, name: &str) -> Option<Arc<Def>> {
        self.defs.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }
}

impl Env for Bench {
    fn slot(&self, slot: Slot) -> Option<&Value> {
        self.values.get(slot.0 as usize)?.as_ref()
    }

    fn now(&self) -> Option<i64> {
        self.now
    }
}

/// Diagnostics of a whole specification.
#[allow(dead_code, reason = "not every test that includes this file lowers")]
pub(crate) fn lowered(text: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::new();
    let file = sources.add("spec.mpst", text).unwrap();
    let (tree, mut found) = syntax::parse(file, text);
    found.extend(lower(&mut sources, file, &tree, &mut NoImports).1);
    found
}
