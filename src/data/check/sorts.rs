//! Which sorts go where: subsorts, joins, what can be compared.

use super::super::{Builtin, Payload, Sort};

/// Whether a value of one sort can stand where another is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Fit {
    /// Never.
    No,
    /// Some can: it is seen when the value is there.
    Some,
    /// All can, as they are.
    All,
}

/// Whether values of the sort `is` can stand where `wanted` is wanted.
pub(in super::super) fn fit(is: &Sort, wanted: &Sort) -> Fit {
    if is == wanted {
        return Fit::All;
    }
    match (is, wanted) {
        (Sort::Secret(is), _) => fit(is, wanted),
        (_, Sort::Secret(wanted)) => fit(is, wanted),
        (_, Sort::Refined(wanted, _)) => fit(is, wanted).min(Fit::Some),
        (Sort::Refined(is, _), _) => fit(is, wanted),
        (_, Sort::Builtin(Builtin::Json) | Sort::Opaque(_)) => Fit::All,
        (Sort::Builtin(Builtin::Json) | Sort::Opaque(_), _) => Fit::Some,
        (Sort::Builtin(Builtin::Unit), Sort::Option(_)) => Fit::All,
        (Sort::Option(is), Sort::Option(wanted)) => fit(is, wanted),
        (_, Sort::Option(wanted)) => fit(is, wanted),
        (Sort::Option(is), _) => fit(is, wanted).min(Fit::Some),
        (Sort::Builtin(is), Sort::Builtin(wanted)) => match (is, wanted) {
            (Builtin::Uint, Builtin::Int | Builtin::Decimal) | (Builtin::Int, Builtin::Decimal) => Fit::All,
            (Builtin::Int, Builtin::Uint) => Fit::Some,
            _ => Fit::No,
        },
        (Sort::Enum(_), Sort::Builtin(Builtin::String)) => Fit::All,
        (Sort::Builtin(Builtin::String), Sort::Enum(_)) => Fit::Some,
        (Sort::Enum(is), Sort::Enum(wanted)) => {
            let known = is.iter().filter(|name| wanted.contains(name)).count();
            if known == is.len() {
                Fit::All
            } else if known > 0 {
                Fit::Some
            } else {
                Fit::No
            }
        }
        (Sort::List(is), Sort::List(wanted)) | (Sort::Set(is), Sort::Set(wanted)) => fit(is, wanted),
        (Sort::Map(k, v), Sort::Map(wanted_k, wanted_v)) => fit(k, wanted_k).min(fit(v, wanted_v)),
        (Sort::Record(is), Sort::Record(wanted)) => records(is, wanted),
        (Sort::Map(k, v), Sort::Record(wanted)) => {
            let text = Sort::Builtin(Builtin::String);
            let fits = |sort: &Sort| fit(v, sort) != Fit::No;
            if fit(k, &text) != Fit::No && wanted.fields.iter().all(|field| field.optional || fits(&field.sort)) {
                Fit::Some
            } else {
                Fit::No
            }
        }
        (Sort::Record(is), Sort::Map(k, v)) => {
            let text = Sort::Builtin(Builtin::String);
            let known = is.fields.iter().map(|field| fit(&field.sort, v)).min().unwrap_or(Fit::All);
            if known == Fit::No || fit(&text, k) == Fit::No { Fit::No } else { Fit::Some }
        }
        _ => Fit::No,
    }
}

fn records(is: &Payload, wanted: &Payload) -> Fit {
    let mut all = if is.open && !wanted.open { Fit::Some } else { Fit::All };
    for field in &wanted.fields {
        let Some(name) = &field.name else { return Fit::No };
        let found = match is.field(name) {
            Some(known) if known.optional && !field.optional => fit(&known.sort, &field.sort).min(Fit::Some),
            Some(known) => fit(&known.sort, &field.sort),
            None if is.open => Fit::Some,
            None if field.optional => Fit::All,
            None => Fit::No,
        };
        all = all.min(found);
    }
    for field in &is.fields {
        let declared = field.name.as_ref().is_some_and(|name| wanted.field(name).is_some());
        if !declared && !wanted.open {
            all = all.min(if field.optional { Fit::Some } else { Fit::No });
        }
    }
    all
}

/// Whether two values of these sorts can ever be equal.
pub(super) fn comparable(a: &Sort, b: &Sort) -> bool {
    (is_number(a) && is_number(b)) || fit(a, b) != Fit::No || fit(b, a) != Fit::No
}

/// The sort of a value that is of one or of the other, if they have something in common.
pub(super) fn join(a: &Sort, b: &Sort) -> Option<Sort> {
    if fit(a, b) == Fit::All && !a.is_dynamic() {
        return Some(b.clone());
    }
    if fit(b, a) == Fit::All && !b.is_dynamic() {
        return Some(a.clone());
    }
    if a.is_dynamic() || b.is_dynamic() {
        return Some(Sort::ANY);
    }
    match (a.plain(), b.plain()) {
        (Sort::Builtin(Builtin::Unit), other) | (other, Sort::Builtin(Builtin::Unit)) => {
            Some(Sort::Option(Box::new(other.clone())))
        }
        (Sort::Enum(_), Sort::Enum(_) | Sort::Builtin(Builtin::String))
        | (Sort::Builtin(Builtin::String), Sort::Enum(_)) => Some(Sort::Builtin(Builtin::String)),
        (Sort::List(a), Sort::List(b)) => Some(Sort::List(Box::new(join(a, b)?))),
        (Sort::Set(a), Sort::Set(b)) => Some(Sort::Set(Box::new(join(a, b)?))),
        (Sort::Map(k, v), Sort::Map(l, w)) => Some(Sort::Map(Box::new(join(k, l)?), Box::new(join(v, w)?))),
        (Sort::Option(a), b) | (b, Sort::Option(a)) => Some(Sort::Option(Box::new(join(a, b)?))),
        (Sort::Record(_), Sort::Record(_) | Sort::Map(..)) | (Sort::Map(..), Sort::Record(_)) => Some(Sort::ANY),
        (a, b) if is_number(a) && is_number(b) => Some(numeric(a, b)),
        _ => None,
    }
}

/// The sort without condition, secrecy and option.
pub(super) fn bare(sort: &Sort) -> &Sort {
    match sort.plain() {
        Sort::Option(of) => bare(of),
        other => other,
    }
}

pub(super) fn is_number(sort: &Sort) -> bool {
    matches!(bare(sort), Sort::Builtin(Builtin::Int | Builtin::Uint | Builtin::Decimal | Builtin::Float))
}

pub(super) fn is_text(sort: &Sort) -> bool {
    matches!(bare(sort), Sort::Builtin(Builtin::String) | Sort::Enum(_))
}

/// The sort of what arithmetic makes of two numbers.
pub(super) fn numeric(a: &Sort, b: &Sort) -> Sort {
    let is = |builtin: Builtin| [a, b].iter().any(|sort| bare(sort) == &Sort::Builtin(builtin));
    Sort::Builtin(if is(Builtin::Float) {
        Builtin::Float
    } else if is(Builtin::Decimal) {
        Builtin::Decimal
    } else {
        Builtin::Int
    })
}
